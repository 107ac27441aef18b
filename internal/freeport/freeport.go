// Package freeport finds free TCP ports for tests and the development stack.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// first and last are the ports that are searched. They are below the range from
// which systems take ports for outgoing connections and for listeners on port 0
// (from 32768 on Linux, 49152 elsewhere), so that none is taken by chance between
// finding and using it.
const first, last = 10_000, 32_767

// attempts are many times as many as a machine with hundreds of listeners needs.
const attempts = 1_000

// Find returns n different TCP ports of the loopback interface that are free now.
func Find(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range attempts {
		if len(ports) == n {
			return ports, nil
		}
		port := first + rand.IntN(last-first+1)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // it does not wait
		if err != nil {
			continue
		}
		// All stay open until the last one is found, so that none is found twice.
		defer l.Close()
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("find %d free ports from %d to %d: only %d were found", n, first, last, len(ports))
}
