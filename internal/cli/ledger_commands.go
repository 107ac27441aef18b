package cli

// ledgerCommands explain and correct what calls were charged.
type ledgerCommands struct {
	Show         ledgerShowCommand         `cmd:"" help:"Explain the charge of a call, step by step."`
	List         ledgerListCommand         `cmd:"" help:"List entries."`
	Report       ledgerReportCommand       `cmd:"" help:"Add up entries by day, week, month, app, tariff, payer or result."`
	Statement    ledgerStatementCommand    `cmd:"" help:"Write what a payer was charged for the calls of a month, or all payers."`
	Export       ledgerExportCommand       `cmd:"" help:"Write entries as CSV, for accounting."`
	Backup       ledgerBackupCommand       `cmd:"" help:"Copy a SQLite ledger, even while workers write to it."`
	Migrate      ledgerMigrateCommand      `cmd:"" help:"Create the tables of the ledger, or bring them up to date."`
	Reverse      ledgerReverseCommand      `cmd:"" help:"Reverse a charge or an adjustment."`
	Adjust       ledgerAdjustCommand       `cmd:"" help:"Add a credit or a surcharge to what a call costs."`
	Rerate       ledgerRerateCommand       `cmd:"" help:"Compare charges with what the tariff charges now, and correct them."`
	Restore      ledgerRestoreCommand      `cmd:"" help:"Find what the ledger has lost, as after an older copy was restored, and book it as it was."`
	Verify       ledgerVerifyCommand       `cmd:"" help:"Compute every entry again, and compare the ledger with Tencent's records."`
	Checkpoint   ledgerCheckpointCommand   `cmd:"" help:"Make a checkpoint of the ledger, which reveals later alterations."`
	Prove        ledgerProveCommand        `cmd:"" help:"Write a receipt that proves the charge of a call without the ledger."`
	CheckReceipt ledgerCheckReceiptCommand `cmd:"" help:"Check a receipt, without the ledger."`
	NewKey       ledgerNewKeyCommand       `cmd:"" help:"Make a key that signs the checkpoints of the ledger."`
}

// reviewCommands are about calls that wait for a person's decision.
type reviewCommands struct {
	List   reviewListCommand   `cmd:"" help:"List the calls that wait for a decision, and why."`
	Decide reviewDecideCommand `cmd:"" help:"Decide about a call."`
}
