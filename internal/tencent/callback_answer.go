package tencent

// Answer is the JSON that Tencent expects as the answer to a callback. D:68940
type Answer struct {
	ActionStatus string `json:"ActionStatus"`
	ErrorInfo    string `json:"ErrorInfo"`
	ErrorCode    int    `json:"ErrorCode"`
}

// AnswerOK returns the answer to a callback that was accepted.
func AnswerOK() Answer { return Answer{ActionStatus: "OK"} }

// AnswerFail returns the answer to a callback that was refused, with the reason.
func AnswerFail(info string) Answer {
	return Answer{ActionStatus: "FAIL", ErrorInfo: info, ErrorCode: 1}
}
