package service

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"aftercall/internal/config"
)

// inDeployment makes a worker a version of a Worker Deployment, if it is to be one. A
// workflow may wait for days, and so moves to the version that is current: all code
// replays the histories of earlier releases. Earlier code does not replay those of later
// releases: PinWorkflows keeps from it what this version has taken.
func inDeployment(settings config.WorkerSettings) func(*worker.Options) {
	return func(o *worker.Options) {
		if settings.Deployment == "" {
			return
		}
		behavior := workflow.VersioningBehaviorAutoUpgrade
		if settings.PinWorkflows {
			behavior = workflow.VersioningBehaviorPinned
		}
		o.DeploymentOptions = worker.DeploymentOptions{
			UseVersioning:             true,
			Version:                   worker.WorkerDeploymentVersion{DeploymentName: string(settings.Deployment), BuildID: string(settings.BuildID)},
			DefaultVersioningBehavior: behavior,
		}
	}
}
