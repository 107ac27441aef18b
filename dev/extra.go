package main

import "context"

type historiesCommand struct{}

func (historiesCommand) Run(ctx context.Context, p project) error { return nil }

type screenshotsCommand struct{}

func (screenshotsCommand) Run(ctx context.Context, p project) error { return nil }
