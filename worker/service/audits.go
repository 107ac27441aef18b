package service

import (
	"aftercall/activities"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

// auditApps are what the audits need of the configured apps whose rooms are received.
func auditApps(cfg *config.Config, clients map[tencent.SDKAppID]*tencent.Client) []activities.AuditApp {
	var apps []activities.AuditApp
	for _, app := range cfg.Apps {
		if app.Evidence.Rooms() {
			apps = append(apps, activities.AuditApp{ID: app.SDKAppID, Name: app.Name, Records: clients[app.SDKAppID], Settings: app.Sweep.Settings()})
		}
	}
	return apps
}
