package asha

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	ashav1 "asha/clients/go/asha/v1"
)

// Verdict is what to do with the training now.
type Verdict string

// The verdicts. One that this client does not know reads Stop.
const (
	Continue Verdict = "CONTINUE"
	Stop     Verdict = "STOP"
	Pause    Verdict = "PAUSE"
)

// Decision is what was decided about an attempt, with its explanation.
type Decision struct {
	Verdict Verdict
	// Reason is the name of an ashav1.DecisionReason without its prefix; any text of a newer server.
	Reason string
	// Bracket is the index of the trial's bracket; -1 if it has none.
	Bracket int32
	// Rung is the index of the last rung compared at; -1 if none yet.
	Rung int32
	// Rank is the 0-based place among the competitors, 0 the best; nil when nothing was compared.
	Rank *int64
	// Competitors counts the entries in the rung at that moment; 0 when nothing was compared.
	Competitors int64
	// Cutoff is the worst value inside the part that goes on, in the metric's unit; nil if none.
	Cutoff *float64
	// NextDecisionStep: train at least this far, then report, in units; 0 after Stop and Pause.
	NextDecisionStep int64
	// Sequence is that of the event that stored the decision; 0 before the first report.
	Sequence int64
	// DeletableCheckpoints are those of any trial that the search can never resume from again.
	// Advice: delete them when and if you like.
	DeletableCheckpoints []string
}

// ShouldStop tells whether to leave off training: the verdict is not Continue.
func (d Decision) ShouldStop() bool { return d.Verdict != Continue }

func decodeDecision(message *ashav1.Decision) Decision {
	return Decision{
		Verdict:          decodeVerdict(message.GetVerdict()),
		Reason:           enumName(message.GetReason(), "DECISION_REASON_"),
		Bracket:          message.GetBracket(),
		Rung:             message.GetRung(),
		Rank:             message.Rank,
		Competitors:      message.GetCompetitors(),
		Cutoff:           message.Cutoff,
		NextDecisionStep: message.GetNextDecisionStep(),
		Sequence:         message.GetSequence(),
	}
}

func decodeVerdict(verdict ashav1.Verdict) Verdict {
	switch verdict {
	case ashav1.Verdict_VERDICT_CONTINUE:
		return Continue
	case ashav1.Verdict_VERDICT_PAUSE:
		return Pause
	default:
		return Stop
	}
}

// lost is the decision about an attempt that is no longer this worker's.
func lost(reason string) Decision {
	return Decision{Verdict: Stop, Reason: reason, Bracket: -1, Rung: -1}
}

// enumName is an enum's name without its prefix; a newer server's unknown value as its number.
func enumName(value protoreflect.Enum, prefix string) string {
	known := value.Descriptor().Values().ByNumber(value.Number())
	if known == nil {
		return strconv.Itoa(int(value.Number()))
	}
	return strings.TrimPrefix(string(known.Name()), prefix)
}
