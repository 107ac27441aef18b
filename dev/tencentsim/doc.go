// Package tencentsim simulates Tencent's side of the v4 Call API for several
// SDKAppIDs: the REST API under /v4/… and the callbacks that Tencent posts.
//
// # REST API
//
// HTTP status is 200 whatever the outcome, which is in the body (D:68926). The
// checks and their codes, in this order:
//
//	path unknown                                        60009
//	method not POST, broken query, contenttype, random  60002
//	sdkappid missing or not a number                    60012
//	sdkappid unknown                                    70020
//	identifier missing                                  60004
//	usersig missing or not decodable                    70003
//	usersig made for another sdkappid                   70014
//	usersig made for another identifier                 70013
//	usersig signed with another key, or altered         70009
//	usersig expired                                     70001
//	identifier not the app's administrator              60010
//	more than 200 requests per API and SDKAppID in 1 s  60007
//	injected faults                                     as configured
//	body empty or not a JSON object                     60003
//	parameters                                          101002, 100002
//
// # Control API
//
// The paths below /control/ do not exist at Tencent. They need no signature, so
// the simulator must listen on the loopback interface only. Requests and answers
// are JSON; an unknown field is an error. Errors are {"error":"…"} with a 4xx status.
//
//	POST   /control/calls                 CallSpec → 201 Call
//	GET    /control/calls?limit=n         the last n calls (default 50), newest first
//	GET    /control/calls/{id}            Call with its callbacks (?sdk_app_id= if ambiguous)
//	POST   /control/calls/{id}/repeat     {"callback":{…partial CallRecord…}} → 202
//	PUT    /control/rooms                 {"sdk_app_id":…,"url":"…","key":"…"}: where the webhooks of its rooms
//	                                      are posted, as the RTC console sets it; without url and key, nowhere
//	GET    /control/faults                the current Faults
//	PUT    /control/faults                Faults: replaces all of them
//	DELETE /control/faults                removes all faults
//
// For example, a connected video call whose callback arrives three times:
//
//	curl -d '{"sdk_app_id":1400000001,"media":"Video","seconds":130,"duplicates":2}' localhost:8090/control/calls
//
// and a group call of ten minutes that one member leaves after two, and another loses
// its network in, without a record:
//
//	curl -d '{"sdk_app_id":1400000001,"seconds":600,"members":["a","b","c"],"no_record":true,"attendance":[{"member":"a"},
//	  {"member":"b","leave_after_seconds":120},{"member":"c","leave_after_seconds":400,"dropped":true}]}' localhost:8090/control/calls
package tencentsim
