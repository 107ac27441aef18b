package time

import (
	"sync/atomic"
	"syscall"
)

// clockAhead is how many seconds Now is ahead of the clock of the machine. It is read
// again and again from the file that AFTERCALL_TEST_CLOCK names. Now itself cannot read
// it: the runtime calls Now where no system call is possible.
var clockAhead atomic.Int64

func init() {
	path, ok := syscall.Getenv("AFTERCALL_TEST_CLOCK")
	if !ok {
		return
	}
	clockAhead.Store(readClock(path))
	go func() {
		for {
			Sleep(100 * Millisecond)
			clockAhead.Store(readClock(path))
		}
	}()
}

// readClock reads a number, and 0 from what is none. Package time may import no other
// one that could do it.
func readClock(path string) (seconds int64) {
	file, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer syscall.Close(file)
	text := make([]byte, 16)
	n, err := syscall.Read(file, text)
	if err != nil || n == 0 {
		return 0
	}
	digits, sign := text[:n], int64(1)
	if digits[0] == '-' {
		digits, sign = digits[1:], -1
	}
	for _, digit := range digits {
		seconds = 10*seconds + int64(digit-'0')
	}
	return sign * seconds
}
