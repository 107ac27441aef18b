package freeport

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFind(t *testing.T) {
	ports, err := Find(20)
	require.NoError(t, err)
	require.Len(t, ports, 20)
	for _, port := range ports {
		require.GreaterOrEqual(t, port, first)
		require.LessOrEqual(t, port, last)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		require.NoError(t, err, "it is free again, and no other is the same")
		defer l.Close()
	}
}
