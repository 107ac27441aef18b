// Package billing says what a call costs. It is pure: the same record and the
// same tariff give the same charge, with the steps that lead to it, on every
// machine and at every time. Money is decimal and exact; a sum is rounded once,
// at its end.
package billing
