//! What the server decided about an attempt.

use crate::pb;

/// What to do with the training now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Go on training, at least to `next_decision_step`.
    Continue,
    /// This attempt is over. A verdict that this client does not know reads so too.
    Stop,
    /// Let the trial go and take other work; any worker may resume it later.
    Pause,
}

/// What was decided about an attempt, with its explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Go on, stop, or pause. STOP and PAUSE never change once said.
    pub verdict: Verdict,
    /// Name of `asha.v1.DecisionReason` without its prefix; any text is legal.
    pub reason: String,
    /// Index of the trial's bracket; -1 if it has none.
    pub bracket: i32,
    /// Index of the last rung compared at; -1 if none yet.
    pub rung: i32,
    /// 0-based place among the competitors, 0 the best; none when nothing was compared.
    pub rank: Option<i64>,
    /// Entries in the rung at that moment; 0 when nothing was compared.
    pub competitors: i64,
    /// Worst value inside the part that goes on, in the metric's unit.
    pub cutoff: Option<f64>,
    /// Train at least this far, then report, in units; 0 after STOP and PAUSE.
    pub next_decision_step: i64,
    /// Sequence of the event that stored it; 0 before the first report.
    pub sequence: i64,
    /// Checkpoints of any trial that the search can never resume from again. Advice.
    pub deletable_checkpoints: Vec<String>,
}

impl Decision {
    /// Whether to leave off training: the verdict is not CONTINUE.
    pub fn should_stop(&self) -> bool {
        self.verdict != Verdict::Continue
    }

    /// STOP, as this client concludes it.
    pub(crate) fn stop(reason: &str) -> Self {
        let verdict = pb::Verdict::Stop.into();
        Self {
            reason: reason.into(),
            ..pb::Decision { verdict, rung: -1, bracket: -1, ..Default::default() }.into()
        }
    }
}

impl From<pb::Decision> for Decision {
    fn from(message: pb::Decision) -> Self {
        Self {
            verdict: match pb::Verdict::try_from(message.verdict) {
                Ok(pb::Verdict::Continue) => Verdict::Continue,
                Ok(pb::Verdict::Pause) => Verdict::Pause,
                _ => Verdict::Stop,
            },
            reason: name(message.reason, "DECISION_REASON_", pb::DecisionReason::as_str_name),
            bracket: message.bracket,
            rung: message.rung,
            rank: message.rank,
            competitors: message.competitors,
            cutoff: message.cutoff,
            next_decision_step: message.next_decision_step,
            sequence: message.sequence,
            deletable_checkpoints: Vec::new(),
        }
    }
}

/// The name of an enum's value without its prefix; a newer server's unknown value as its number.
pub(crate) fn name<E: TryFrom<i32>>(
    value: i32,
    prefix: &str,
    as_str: fn(&E) -> &'static str,
) -> String {
    E::try_from(value).map_or_else(
        |_| value.to_string(),
        |known| as_str(&known).trim_start_matches(prefix).to_owned(),
    )
}
