// Package webhookreceiver simulates the receivers of notifications. It receives
// events at /hooks/{target}, checks their signatures with the library of the
// Standard Webhooks specification, counts them by message, and can be made to fail.
//
// An event is answered 200 when its signature is valid, 401 when it is not, 404
// for an unknown target, 405 for a method other than POST, and 413 above 1 MiB.
//
// A chat target accepts any JSON with a text, without a signature, and an unsigned
// one any body, also below its path.
//
// # Control API
//
// The paths below /control/ need no signature, so the receiver must listen on the
// loopback interface only. Requests and answers are JSON; an unknown field is an
// error. {filter} is any of target, message_id, call_id and type.
//
//	GET    /control/messages?{filter}  one Message per target and message ID
//	GET    /control/arrivals?{filter}  the last Arrivals, with their bodies
//	GET    /control/counts?target=     Counts of a target, or of all
//	DELETE /control/messages           deletes messages, arrivals and counts
//	GET    /control/failures           the current Failures
//	POST   /control/failures           Failure: adds one
//	DELETE /control/failures           removes all failures
//
// For example, the next two events are answered 503:
//
//	curl -d '{"status":503,"times":2,"retry_after":"3"}' localhost:8091/control/failures
package webhookreceiver
