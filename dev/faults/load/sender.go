package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
)

// answerBuffer has room for the answer to a callback.
const answerBuffer = 1 << 10

// sender is an http.RoundTripper with a connection for each request, which does everything
// in the caller's goroutine. http.Transport has two more, and buffers of 8 KiB, for each:
// thousands at once took as much of the processors as the starter, which is to be measured.
type sender struct{}

// RoundTrip implements http.RoundTripper.
func (sender) RoundTrip(req *http.Request) (*http.Response, error) {
	dialer := net.Dialer{KeepAlive: -1} // it is closed before any probe would be sent
	conn, err := dialer.DialContext(req.Context(), "tcp", req.URL.Host)
	if err != nil {
		return nil, err
	}
	resp, err := exchange(conn, req)
	if err != nil {
		_ = conn.Close() // nothing is expected of it any more
		return nil, err
	}
	resp.Body = answerBody{resp.Body, conn}
	return resp, nil
}

// exchange sends the request, and reads the head of its answer.
func exchange(conn net.Conn, req *http.Request) (*http.Response, error) {
	if deadline, ok := req.Context().Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	var request bytes.Buffer
	if err := req.Write(&request); err != nil {
		return nil, err
	}
	if _, err := conn.Write(request.Bytes()); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReaderSize(conn, answerBuffer), req)
}

// answerBody closes the connection with the answer.
type answerBody struct {
	io.Reader
	io.Closer
}
