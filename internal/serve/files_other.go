//go:build !unix

package serve

func connectionLimit() int { return maxConnections }
