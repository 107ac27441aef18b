package tencent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConnected(t *testing.T) {
	r := CallRecord{StartTime: 100, AcceptTime: 110, EndTime: 170}
	require.True(t, r.Connected())
	require.EqualValues(t, 60, r.ConnectedSeconds())
	r.AcceptTime = 0
	require.False(t, r.Connected())
	require.Zero(t, r.ConnectedSeconds())
	r.AcceptTime = 171
	require.EqualValues(t, -1, r.ConnectedSeconds(), "impossible times show")
}

func TestKnownValues(t *testing.T) {
	require.True(t, CallTypeSingle.Known())
	require.True(t, CallTypeMulti.Known())
	require.False(t, CallType("ThreeCall").Known())
	require.True(t, MediaVideo.Known())
	require.False(t, MediaType("Hologram").Known())
	require.True(t, ResultCallBusy.Known())
	require.False(t, CallResult("").Known())
}
