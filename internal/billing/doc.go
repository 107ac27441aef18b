// Package billing computes what a call costs. It is pure: the same record and the
// same tariff version give the same charge, with the steps that explain it, on
// every machine and at any time. Money is decimal and exact; a sum is rounded
// once, at the end.
package billing
