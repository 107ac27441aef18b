package tencent

// Explain returns what the code means and what an operator can do about it, for
// every code that Action knows. D:68926
func (c Code) Explain() (meaning, remedy string) {
	switch c {
	case CodeOK:
		return "success", "there is nothing to do"
	case CodeRecordNotFound:
		return "Tencent has no record of this call",
			"records exist from five seconds to seven days after the end of a call; check the CallId, and that apps[].sdk_app_id and apps[].api belong to the call"
	case CodeNoCallback:
		return "no callback is configured", "register one with: aftercall callback set"
	case CodeUserSigExpired:
		return "the UserSig has expired", "check the clock of this machine"
	case 60010:
		return "the account is not an App administrator", "set apps[].identifier to an App administrator of the Tencent RTC console"
	case 60026:
		return "the app belongs to another region", "set apps[].api to the region of the app in the Tencent RTC console"
	case 70003, 70009:
		return "the UserSig was signed with another key", "copy SDKSecretKey of the app from the Tencent RTC console to apps[].secret_key"
	case 70013:
		return "the UserSig belongs to another account", "set apps[].identifier to an App administrator of the Tencent RTC console"
	case 70014, 70020:
		return "the app does not exist, or the key belongs to another app", "compare apps[].sdk_app_id and apps[].secret_key with the Tencent RTC console"
	case CodeConfigInvalid:
		return "Tencent does not accept the callback configuration", "the URL must be public and start with http:// or https://; the commands must start with Call."
	case CodeInvalidParam:
		return "Tencent does not accept the request", "check the CallId; if it is correct, report this as a bug, with the RequestId"
	default:
		return c.Action().explain()
	}
}

// explain returns the meaning and remedy of codes without a text of their own.
func (a Action) explain() (meaning, remedy string) {
	switch a {
	case ActionSlowDown:
		return "too many requests", "wait a minute; if it happens again, find out who else uses the REST API of this app"
	case ActionOperator:
		return "Tencent refuses the account, the app, its package or this IP address",
			"check in the Tencent RTC console that the app is enabled, its package paid and not expired, and this machine's IP address allowed"
	case ActionNever:
		return "Tencent does not understand the request", "report this as a bug, with the RequestId"
	default:
		return "an internal error at Tencent", "try again in a minute; if it persists, send the RequestId to Tencent's support"
	}
}
