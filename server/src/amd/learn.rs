//! `outpace amd train|calibrate|eval --from STORE`: learning from the operator's own calls, as they were kept with labels.

use super::command::{LEAST_OF_A_LABEL, fault, net_of, tuning_of, write};
use crate::failure::Failure;
use clap::Args;
use detect::Verdict;
use detect::model::Net;
use detect::train::Recipe;
use school::field::{self, Call};
use school::lesson::Epoch;
use std::path::Path;
use store::{PAGE_ROWS_MAX, Store, TenantId};

/// Calls that are read at most: of 5 KiB each 1 GiB.
const CALLS_MAX: usize = 200_000;
/// A net that knows speech learns what is new in small steps: a fifth of the rate of one that knows nothing.
const RATE: f32 = 1e-3;

/// Where kept calls are.
#[derive(Args, Clone, Debug)]
pub(crate) struct FromArgs {
    /// Use calls that were kept with labels instead of recordings: sqlite:PATH or postgres://…
    #[arg(long, value_name = "STORE", requires = "campaign")]
    from: Option<String>,
    /// Of this campaign
    #[arg(long, value_name = "NAME", requires = "from")]
    campaign: Option<String>,
}

/// Labelled calls of one campaign.
pub(crate) struct Field {
    campaign: String,
    calls: Vec<Call>,
}

impl FromArgs {
    #[cfg(test)]
    pub(super) fn naming(from: &str, campaign: &str) -> FromArgs {
        FromArgs { from: Some(from.to_owned()), campaign: Some(campaign.to_owned()) }
    }

    /// The calls that are asked for, if they are.
    ///
    /// # Errors
    /// The store cannot be read, knows no such campaign, or has too few labels.
    pub(crate) fn field(&self) -> Result<Option<Field>, Failure> {
        let (Some(from), Some(campaign)) = (&self.from, &self.campaign) else { return Ok(None) };
        let (store, _acks) = Store::open(from)?;
        let calls = calls(&store, campaign)?;
        store.close()?;
        for (verdict, words) in [(Verdict::Human, "people"), (Verdict::Machine, "machines")] {
            let count = calls.iter().filter(|call| call.label == verdict).count();
            if count < LEAST_OF_A_LABEL {
                return Err(Failure::failed(format!(
                    "campaign {campaign:?} has {count} labelled calls with {words}, at least {LEAST_OF_A_LABEL} are needed, label \
                     more"
                )));
            }
        }
        Ok(Some(Field { campaign: campaign.clone(), calls }))
    }
}

/// The labelled calls of a campaign with what was kept of them.
fn calls(store: &Store, campaign: &str) -> Result<Vec<Call>, Failure> {
    let tenant = TenantId::DEFAULT;
    let row = store.campaigns(tenant)?.into_iter().find(|row| row.name == campaign);
    let Some(row) = row else {
        return Err(Failure::usage("--campaign", &format!("{campaign:?} is not in this store"), "name one that is"));
    };
    let (mut calls, mut after) = (Vec::new(), None);
    loop {
        let page = store.amd_lessons(tenant, row.campaign, after, PAGE_ROWS_MAX)?;
        let Some(last) = page.last() else { return Ok(calls) };
        after = Some(last.attempt);
        for lesson in page {
            let label = match lesson.answered.as_str() {
                "person" => Some(Verdict::Human),
                other => Verdict::named(other),
            };
            // Who was drawn stands for those who were not, a hundred at most; who was picked for labelling for nobody.
            let drawn = lesson.handling == "audited";
            let weight = if drawn { 1e6 / f64::from(lesson.share_ppm.clamp(10_000, 1_000_000)) } else { 1.0 };
            calls.extend(label.map(|label| Call {
                number: lesson.number,
                label,
                weight,
                utterance_end_ms: lesson.utterance_end_ms,
                features: lesson.features,
            }));
        }
        if calls.len() >= CALLS_MAX {
            return Ok(calls);
        }
    }
}

/// Trains on from the net that is there, compares both on calls of numbers that neither has seen, and writes the new one.
pub(crate) fn train(
    field: Field,
    start: &Net,
    (epochs, seed): (usize, u64),
    share: f64,
    out: &Path,
) -> Result<(), Failure> {
    let Field { campaign, calls } = field;
    let all = calls.len();
    let parts = field::split(calls);
    let recipe = Recipe { epochs, rate: RATE, ..Recipe::default() };
    let net = field::train(start, &parts, recipe, seed, |seed, epoch| {
        let Epoch { number, train_loss, check_loss } = epoch;
        println!("seed {seed}, epoch {number}: loss {train_loss:.4}, on other numbers {check_loss:.4}");
    });
    let (learnt, held) = (parts.learn.len(), parts.held_out.len());
    let made = format!(
        "trained on {learnt} of {all} labelled calls of campaign {campaign}, split by called number, from net {}, seed {seed}, \
         {recipe:?}",
        start.hash()
    );
    let net = field::calibrated(net.map_err(fault)?, &parts.calibrate, &made).map_err(fault)?;
    let (old, new) = (tuning_of(start, share)?, tuning_of(&net, share)?);
    println!("{held} calls of numbers that were neither learnt from nor calibrated on, as far as they were kept:");
    println!("{}", field::line("old net", &parts.held_out, start, old));
    println!("{}", field::line("new net", &parts.held_out, &net, new));
    write(out, &net.to_bytes())?;
    println!("{}\n{} holds net {}", net.card(), out.display(), net.hash());
    println!("nothing is installed: name it as [amd] shadow_model to see what it would say of live calls");
    Ok(())
}

/// New thresholds for a net that stays as it is.
pub(crate) fn calibrate(field: Field, net: &Net, share: f64, out: &Path) -> Result<(), Failure> {
    let Field { campaign, calls } = field;
    let parts = field::split(calls);
    let made = format!("{}; thresholds from campaign {campaign}", net.made());
    // Nothing is learnt, so all but the calls for the comparison find thresholds.
    let known: Vec<Call> = parts.learn.iter().chain(&parts.calibrate).cloned().collect();
    let found = field::calibrated(net.clone(), &known, &made).map_err(fault)?;
    let (old, new) = (tuning_of(net, share)?, tuning_of(&found, share)?);
    println!("{}", field::line("old thresholds", &parts.held_out, net, old));
    println!("{}", field::line("new thresholds", &parts.held_out, &found, new));
    write(out, &found.to_bytes())?;
    println!("{}\n{} holds net {}", found.card(), out.display(), found.hash());
    println!("with the knob at {share}: person from {}, machine from {}", new.human, new.machine);
    Ok(())
}

/// How a net does on all kept calls.
pub(crate) fn eval(field: &Field, model: Option<&Path>, share: f64) -> Result<(), Failure> {
    let net = net_of(model)?;
    println!("{} labelled calls of campaign {:?}, as far as they were kept:", field.calls.len(), field.campaign);
    println!("{}", field::line("this net", &field.calls, &net, tuning_of(&net, share)?));
    Ok(())
}
