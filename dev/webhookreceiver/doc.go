// Package webhookreceiver plays the user's backend: it takes events at
// /hooks/{target}, checks their signatures with the library of the Standard
// Webhooks specification, counts them by message, and fails when told to.
//
// An event is answered 200 when its signature is good, 401 when it is not,
// 404 for an unknown target, 405 for another method than POST, 413 above 1 MiB.
//
// A target that is a chat takes any JSON with a text, without a signature.
//
// # Control API
//
// Everything below /control/ is for harnesses and needs no signature: bind it
// to the loopback interface. Bodies and answers are JSON; an unknown field is
// an error. {filter} is any of target, message_id, call_id and type.
//
//	GET    /control/messages?{filter}  one Message per target and message ID
//	GET    /control/arrivals?{filter}  the last Arrivals, with bodies
//	GET    /control/counts?target=     Counts of one target, or of all
//	DELETE /control/messages           forgets all of these
//	GET    /control/failures           Failures in force
//	POST   /control/failures           Failure: adds one
//	DELETE /control/failures           no failures any more
//
// For example, the next two events are answered 503:
//
//	curl -d '{"status":503,"times":2,"retry_after":"3"}' localhost:8901/control/failures
package webhookreceiver
