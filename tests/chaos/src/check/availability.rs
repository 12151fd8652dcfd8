//! Availability: nothing is refused in calm times, few sends fail around faults, and nothing that is acknowledged is late.

use std::time::Duration;

use super::{Defect, Verdict};
use crate::history::{Attempt, History, Outcome, Span};

/// A message that is sent less than this before the end of a calm may meet the next fault.
const BEFORE_THE_END: Duration = Duration::from_millis(500);

/// What is sent with nothing broken is acknowledged within this.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(5);

/// What is sent in a fault is acknowledged within this of its end. A call that hangs at that moment ends with the gateway's
/// deadline (5 s); then the client backs off (1 s) and repeats it.
const ACKNOWLEDGED_AFTER_FAULT: Duration = Duration::from_secs(5 + 1 + 2);

pub(super) fn judge(history: &History, verdict: &mut Verdict) {
    // A scenario without calm times, and without the end of each fault, says nothing of either.
    if history.calms.is_empty() {
        return;
    }
    for (client, memory) in history.clients.iter().enumerate() {
        for attempt in &memory.sent {
            let failed = !matches!(attempt.outcome, Outcome::Acknowledged { .. });
            let calm = history.calms.iter().any(|calm| is_in(*calm, attempt));
            let availability = &mut verdict.availability;
            match (calm, attempt.once) {
                (true, _) => availability.calm.count(failed),
                (false, true) => availability.once.count(failed),
                (false, false) => availability.repeated.count(failed),
            }
            let outcome = match &attempt.outcome {
                Outcome::Acknowledged { at, .. } => {
                    let healed = history.healed_between(attempt.at, *at);
                    let within =
                        if healed == attempt.at { ACKNOWLEDGED_WITHIN } else { ACKNOWLEDGED_AFTER_FAULT };
                    let late = at.since(healed);
                    (late > within).then(|| format!("was acknowledged {late:?} later"))
                }
                Outcome::Unknown => calm.then(|| "was not acknowledged in a calm time".to_owned()),
                Outcome::Refused(code) => calm.then(|| format!("was refused in a calm time: {code}")),
                Outcome::Ended => calm.then(|| "could not be sent in a calm time".to_owned()),
            };
            if let Some(outcome) = outcome {
                let (room, key) = (attempt.room, attempt.key.clone());
                verdict.add(attempt.at, Defect::Unavailable { client, room, key, outcome });
            }
        }
    }
}

fn is_in(calm: Span, attempt: &Attempt) -> bool {
    calm.from <= attempt.at && attempt.at.plus(BEFORE_THE_END) <= calm.until
}

#[cfg(test)]
mod tests {
    use madang_domain::{Code, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::{
        check::{Availability, DefectKind, Share, judge},
        history::{ClientHistory, Stored},
        watch::Moment,
    };

    fn at(seconds: u64) -> Moment {
        Moment::after(Duration::from_secs(seconds))
    }

    /// A calm to the tenth second, a fault to the twentieth; one message.
    fn sent(seconds: u64, once: bool, outcome: Outcome) -> (usize, Availability) {
        let mut client = ClientHistory::new(UserId::new(Uuid::from_u128(1)), vec![0]);
        client.sent.push(Attempt { room: 0, key: "a".into(), at: at(seconds), once, outcome });
        let history = History {
            clients: vec![client],
            calms: vec![Span { from: at(0), until: at(10) }],
            faults: vec![Span { from: at(10), until: at(20) }],
            ..History::default()
        };
        let verdict = judge(&history, &Stored::default());
        (verdict.count(DefectKind::Unavailable), verdict.availability)
    }

    #[test]
    fn nothing_may_fail_in_a_calm_time() {
        for outcome in [Outcome::Refused(Code::Unavailable), Outcome::Unknown, Outcome::Ended] {
            for once in [false, true] {
                let (defects, availability) = sent(5, once, outcome.clone());
                assert_eq!((defects, availability.calm), (1, Share { sends: 1, failed: 1 }));
                assert!(!availability.is_kept());
            }
        }
        let (defects, availability) = sent(5, true, Outcome::Acknowledged { seq: 1, at: at(6) });
        assert_eq!((defects, availability.is_kept()), (0, true));
    }

    #[test]
    fn what_fails_in_a_fault_is_counted_and_bounded() {
        let (defects, availability) = sent(12, false, Outcome::Unknown);
        assert_eq!((defects, availability.repeated), (0, Share { sends: 1, failed: 1 }));
        assert!(!availability.is_kept());
        let thirds = Availability { once: Share { sends: 3, failed: 1 }, ..Availability::default() };
        assert!(thirds.is_kept());
        assert!(!Availability { once: Share { sends: 5, failed: 2 }, ..thirds }.is_kept());
    }

    #[test]
    fn an_acknowledgement_is_late_by_the_end_of_the_fault() {
        let acknowledged = |seconds| Outcome::Acknowledged { seq: 1, at: at(seconds) };
        assert_eq!(sent(12, false, acknowledged(28)).0, 0);
        assert_eq!(sent(12, false, acknowledged(29)).0, 1);
        // It began before the fault, and went through it.
        assert_eq!(sent(9, false, acknowledged(27)).0, 0);
        assert_eq!(sent(2, false, acknowledged(8)).0, 1);
    }
}
