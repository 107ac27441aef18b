package tencent

// Explain says in words what the code means, and what an operator can do about
// it. It knows every code that Action does. D:68926
func (c Code) Explain() (meaning, cure string) {
	switch c {
	case CodeOK:
		return "all is well", "nothing need be done"
	case CodeRecordNotFound:
		return "Tencent has no record of this call",
			"records appear five seconds after the end and stay for seven days; check the CallId, and that apps[].sdk_app_id and apps[].api are those of the call"
	case CodeNoCallback:
		return "no callback is configured", "register one with: starter callback set"
	case CodeUserSigExpired:
		return "the UserSig has expired", "compare this machine's clock with the true time"
	case 60010:
		return "the account is no App administrator", "set apps[].identifier to an App administrator of the Tencent RTC console"
	case 60026:
		return "the app lives in another region", "set apps[].api to the region of the app in the Tencent RTC console"
	case 70003, 70009:
		return "the UserSig is signed with another key", "copy SDKSecretKey of the app from the Tencent RTC console to apps[].secret_key"
	case 70013:
		return "the UserSig is of another account", "set apps[].identifier to an App administrator of the Tencent RTC console"
	case 70014, 70020:
		return "the app is not the one that the key belongs to, or does not exist", "compare apps[].sdk_app_id and apps[].secret_key with the Tencent RTC console"
	case CodeConfigInvalid:
		return "Tencent does not accept the callback's configuration", "the URL must be public and begin with http:// or https://; the commands must be Call.*"
	case CodeInvalidParam:
		return "Tencent does not accept the request", "check the CallId; if it is right, report this with the RequestId"
	default:
		return c.Action().explain()
	}
}

// explain is what codes of the same kind have in common.
func (a Action) explain() (meaning, cure string) {
	switch a {
	case ActionSlowDown:
		return "too many requests were made", "wait a minute; if it comes back, look who else uses the REST API of this app"
	case ActionOperator:
		return "Tencent refuses the account, the app, its package or this address",
			"look into the Tencent RTC console: is the app enabled, its package paid and in force, this machine's IP address allowed?"
	case ActionNever:
		return "Tencent does not understand the request", "report this with the RequestId: it is a fault of this program"
	default:
		return "Tencent has a problem of its own", "try again in a minute; if it stays, tell Tencent's support the RequestId"
	}
}
