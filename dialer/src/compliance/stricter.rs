//! Which of two values of a field allows more. A profile whose unverified field would fall back to a laxer value is
//! refused, so that "not verified" can never mean "allows more".

use super::profile::{DeadlineFrom, Profile};

/// Whether the field `key` of `fallback` allows something that `own` does not. Only that field of both is looked at.
/// Fields that only people read allow nothing, and a rate of detection that nobody has measured stops a campaign.
pub(super) fn is_laxer(key: &str, fallback: &Profile, own: &Profile) -> bool {
    let only = |stricter: bool, fallback: bool| stricter && !fallback;
    match key {
        "abandon_limit" | "internal_target" => own.abandon_limit < fallback.abandon_limit,
        "windows" => !own.windows.iter().all(|window| fallback.windows.contains(window)),
        "deadline_s" => own.deadline < fallback.deadline,
        "deadline_from" => rank(own.deadline_from) < rank(fallback.deadline_from),
        "add_amd_false_positives" => {
            only(own.denominator.add_amd_false_positives, fallback.denominator.add_amd_false_positives)
        }
        "subtract_machines" => only(!own.denominator.subtract_machines, !fallback.denominator.subtract_machines),
        "min_ring_s" => own.min_ring > fallback.min_ring,
        "max_ring_s" => shorter(own.max_ring, fallback.max_ring),
        "hours" => own.hours.iter().zip(&fallback.hours).any(|(own, fallback)| {
            let inside = |(from, to): &(u16, u16)| own.iter().any(|(a, b)| a <= from && to <= b);
            !fallback.iter().all(inside)
        }),
        "holidays" => !own.holidays.iter().all(|day| fallback.holidays.contains(day)),
        // A cap is kept by one that allows no more in a span that is no shorter.
        "attempts" => !own
            .attempts
            .iter()
            .all(|cap| fallback.attempts.iter().any(|other| other.max <= cap.max && other.hours >= cap.hours)),
        "recall_after_abandon_h" => own.recall_after_abandon_h > fallback.recall_after_abandon_h,
        "recall_after_machine_h" => own.recall_after_machine_h > fallback.recall_after_machine_h,
        "recall_with_agent" => only(!own.recall_with_agent, !fallback.recall_with_agent),
        "message" => only(own.message_required, fallback.message_required),
        "optout" => only(own.opt_out_key, fallback.opt_out_key),
        "dnc_max_age_d" => shorter(own.dnc_max_age_d, fallback.dnc_max_age_d),
        "reassigned_max_age_d" => shorter(own.reassigned_max_age_d, fallback.reassigned_max_age_d),
        "consent_required" => only(own.consent_required, fallback.consent_required),
        "agentless_allowed" => only(!own.agentless_allowed, !fallback.agentless_allowed),
        "agentless_consent" => only(own.agentless_consent, fallback.agentless_consent),
        _ => false,
    }
}

/// Whether a limit is lower; without one there is none.
fn shorter<T: PartialOrd>(own: Option<T>, fallback: Option<T>) -> bool {
    own.is_some_and(|own| fallback.is_none_or(|fallback| own < fallback))
}

/// From the strictest on.
fn rank(from: DeadlineFrom) -> u8 {
    match from {
        DeadlineFrom::Answer => 0,
        DeadlineFrom::GreetingStart => 1,
        DeadlineFrom::GreetingEnd => 2,
    }
}
