package evidence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

func TestFromMemberChange(t *testing.T) {
	for text, kind := range map[string]evidence.Kind{
		"Answer": evidence.KindJoined, "Accept": evidence.KindJoined, "Join": evidence.KindJoined,
		"Hangup": evidence.KindLeft, "Hang Up": evidence.KindLeft, "Offline": evidence.KindDropped,
		"Reject": evidence.KindDeclined, "NotAnswer": evidence.KindDeclined,
		"Invite": evidence.KindInvited, "Invited": evidence.KindInvited,
		"Cancel_Invite": evidence.KindUninvited, "Canncel_Invite": evidence.KindUninvited,
	} {
		events := evidence.FromMemberChange(app, tencent.MemberChange{CallID: "c", Changed: []tencent.ChangedMember{{Account: "u", Action: text}}, EventTime: noon.UnixMilli()})
		require.Equal(t, []evidence.Event{{
			SDKAppID: app, Source: evidence.SourceCallback, CallID: "c", User: "u", Kind: kind, At: noon, Detail: text,
		}}, events)
	}
	require.Empty(t, evidence.FromMemberChange(app, tencent.MemberChange{CallID: "c", Changed: []tencent.ChangedMember{{Account: "u", Action: "Wave"}, {Account: "u"}}}))
}

func TestFromCallStart(t *testing.T) {
	require.Equal(t, []evidence.Event{
		{SDKAppID: app, Source: evidence.SourceCallback, CallID: "c", RoomID: "1", RoomIDType: 1, User: "u", Kind: evidence.KindCalled, At: noon},
		{SDKAppID: app, Source: evidence.SourceCallback, CallID: "c", RoomID: "1", RoomIDType: 1, User: "v", Kind: evidence.KindCalled, At: noon},
	}, evidence.FromCallStart(app, tencent.CallStart{CallID: "c", RoomID: "1", RoomIDType: 1, Users: []string{"u", "v"}, EventTime: noon.UnixMilli()}))
}

func TestFromRoom(t *testing.T) {
	for eventType, kind := range map[tencent.RoomEventType]evidence.Kind{
		tencent.RoomCreated: evidence.KindOpened, tencent.RoomDismissed: evidence.KindClosed,
		tencent.RoomEntered: evidence.KindJoined, tencent.RoomLeft: evidence.KindLeft,
	} {
		events := evidence.FromRoom(app, tencent.RoomEvent{Type: eventType, RoomID: "1", RoomIDType: 1, UserID: "u", EventTime: noon.UnixMilli(), Reason: 3})
		require.Equal(t, []evidence.Event{{
			SDKAppID: app, Source: evidence.SourceRoom, RoomID: "1", RoomIDType: 1, User: "u", Kind: kind, At: noon, Detail: "3",
		}}, events)
	}
	for eventType, kind := range map[tencent.RoomEventType]evidence.Kind{tencent.RoomEntered: evidence.KindJoined, tencent.RoomLeft: evidence.KindDropped} {
		timeout := evidence.FromRoom(app, tencent.RoomEvent{Type: eventType, RoomID: "1", RoomIDType: 1, UserID: "u", EventTime: noon.UnixMilli(), Reason: tencent.ReasonTimeout})
		require.Equal(t, kind, timeout[0].Kind)
	}
	require.Empty(t, evidence.FromRoom(app, tencent.RoomEvent{Type: 201}))
}
