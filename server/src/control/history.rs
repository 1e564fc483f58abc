//! The last hour of each campaign, a point a second, for charts; and how fast calls begin. In memory alone: what is
//! older stands in the records.
//!
//! ```text
//!   Snapshot (ten times a second at most) ──take, the first of each second──> a ring of points a campaign ──> Series
//! ```
//!
//! **Invariants.** Moments of a series rise. A second in which no snapshot was taken has no point. Nothing here reads a
//! clock: the snapshot says when it was taken.

use super::views::{CampaignView, Snapshot};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use utoipa::ToSchema;

/// An hour of seconds.
pub const POINTS_KEPT: usize = 3_600;
/// Campaigns that have a series. A point has 72 bytes: an hour is 260 KB, of 100 campaigns 26 MB. Those that were at work
/// last have one; when more are at work at once, those that began later have none.
pub const SERIES_MAX: usize = 100;
/// The rate of calls is that of so many seconds.
const RATE_S: usize = 10;

/// A campaign at a moment.
#[derive(Clone, Copy, Debug)]
struct Point {
    at_us: i64,
    attempts: u64,
    connected: u64,
    abandoned: u64,
    ringing: u32,
    talking: u32,
    waiting: u32,
    agents_ready: u32,
    agents_talking: u32,
    agents_wrap_up: u32,
    agents_on_break: u32,
    occupancy: f64,
}

impl Point {
    fn of(at_us: i64, view: &CampaignView) -> Point {
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        Point {
            at_us,
            attempts: view.attempts,
            connected: view.connected,
            abandoned: view.abandoned,
            ringing: small(view.ringing),
            talking: small(view.talking),
            waiting: small(view.waiting),
            agents_ready: small(view.agents.ready),
            agents_talking: small(view.agents.talking),
            agents_wrap_up: small(view.agents.wrap_up),
            agents_on_break: small(view.agents.on_break),
            occupancy: view.occupancy,
        }
    }
}

/// A campaign's points.
#[derive(Debug, Default)]
struct Track {
    points: VecDeque<Point>,
    /// When it was last at work.
    at_work_us: i64,
}

/// A campaign over time, as columns of one length. Gaps are missing points, not zeros.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Series {
    /// Seconds from point to point, where none is missing.
    pub step_s: u32,
    /// Moments in microseconds since the Unix epoch, rising.
    pub at_us: Vec<i64>,
    /// Attempts since the start of the process.
    pub attempts: Vec<u64>,
    /// Calls that nobody had answered yet.
    pub ringing: Vec<u32>,
    /// Persons who talked with an agent.
    pub talking: Vec<u32>,
    /// Persons who waited for an agent.
    pub waiting: Vec<u32>,
    /// Persons connected since the campaign's first start.
    pub connected: Vec<u64>,
    /// Persons abandoned since the campaign's first start.
    pub abandoned: Vec<u64>,
    /// Agents who waited for a call.
    pub agents_ready: Vec<u32>,
    /// Agents with a customer.
    pub agents_talking: Vec<u32>,
    /// Agents who finished the last call's paperwork.
    pub agents_wrap_up: Vec<u32>,
    /// Agents on a break.
    pub agents_on_break: Vec<u32>,
    /// Occupancy of the agents, of 1.
    pub occupancy: Vec<f64>,
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct History {
    tracks: BTreeMap<u64, Track>,
    /// Moments, and calls begun until then.
    begun: VecDeque<(i64, u64)>,
    /// That of the last point.
    second: Option<i64>,
}

impl History {
    /// Takes a point of every campaign from the first snapshot of each second.
    pub fn take(&mut self, picture: &Snapshot) {
        let at_us = picture.at_us;
        let second = at_us.div_euclid(1_000_000);
        if self.second == Some(second) {
            return;
        }
        if self.second.is_some_and(|last| second < last) {
            // The wall clock was set back: what lies ahead of it cannot be told in order any more.
            self.begun.retain(|(at, _)| *at < at_us);
            self.tracks.values_mut().for_each(|track| track.points.retain(|point| point.at_us < at_us));
        }
        self.second = Some(second);
        if self.begun.len() > RATE_S {
            self.begun.pop_front();
        }
        self.begun.push_back((at_us, picture.calls_begun));
        self.tracks.retain(|id, _| picture.campaigns.contains_key(id));
        for (id, view) in &picture.campaigns {
            let at_work = view.state == "running" || view.attempts_open > 0;
            if at_work && !self.tracks.contains_key(id) && self.make_room(at_us) {
                self.tracks.insert(*id, Track::default());
            }
            let Some(track) = self.tracks.get_mut(id) else { continue };
            if at_work {
                track.at_work_us = at_us;
            }
            if track.points.len() >= POINTS_KEPT {
                track.points.pop_front();
            }
            track.points.push_back(Point::of(at_us, view));
        }
    }

    /// Whether there is room for one more campaign; the one that has rested longest goes for it.
    fn make_room(&mut self, now_us: i64) -> bool {
        if self.tracks.len() < SERIES_MAX {
            return true;
        }
        // Whoever was at work a second ago is at work now, or will be told so in this very round.
        let resting = self.tracks.iter().filter(|(_, track)| track.at_work_us < now_us - 2_000_000);
        let longest = resting.min_by_key(|(_, track)| track.at_work_us).map(|(id, _)| *id);
        longest.is_some_and(|id| self.tracks.remove(&id).is_some())
    }

    /// The last `minutes` of a campaign; empty when it was not at work.
    pub fn series(&self, campaign: u64, minutes: u32) -> Series {
        let mut series = Series { step_s: 1, ..Series::default() };
        let Some(track) = self.tracks.get(&campaign) else { return series };
        let newest_us = track.points.back().map_or(0, |point| point.at_us);
        let from_us = newest_us - i64::from(minutes) * 60_000_000;
        for point in track.points.iter().filter(|point| point.at_us > from_us) {
            series.at_us.push(point.at_us);
            series.attempts.push(point.attempts);
            series.ringing.push(point.ringing);
            series.talking.push(point.talking);
            series.waiting.push(point.waiting);
            series.connected.push(point.connected);
            series.abandoned.push(point.abandoned);
            series.agents_ready.push(point.agents_ready);
            series.agents_talking.push(point.agents_talking);
            series.agents_wrap_up.push(point.agents_wrap_up);
            series.agents_on_break.push(point.agents_on_break);
            series.occupancy.push(point.occupancy);
        }
        series
    }

    /// Calls begun a second, over the last ten seconds.
    pub fn calls_per_s(&self) -> f64 {
        let (Some((from_us, before)), Some((to_us, after))) = (self.begun.front(), self.begun.back()) else {
            return 0.0;
        };
        let passed_s = (to_us - from_us) as f64 / 1e6;
        if passed_s > 0.0 { after.saturating_sub(*before) as f64 / passed_s } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: i64 = 1_000_000;

    fn picture(at_us: i64, campaigns: impl IntoIterator<Item = (u64, &'static str)>) -> Snapshot {
        let mut picture = Snapshot { at_us, calls_begun: (at_us / SECOND_US) as u64 * 5, ..Snapshot::default() };
        for (id, state) in campaigns {
            let view = CampaignView { state: state.to_owned(), attempts: at_us as u64, ..CampaignView::default() };
            picture.campaigns.insert(id, view);
        }
        picture
    }

    #[test]
    fn a_point_a_second_is_kept_for_an_hour() {
        let mut history = History::default();
        for tenth in 0..(POINTS_KEPT as i64 + 100) * 10 {
            history.take(&picture(tenth * SECOND_US / 10 + 7, [(1, "running"), (2, "stopped")]));
        }
        let hour = history.series(1, 60);
        assert_eq!(hour.at_us.len(), POINTS_KEPT);
        assert!(hour.at_us.windows(2).all(|pair| pair[1] - pair[0] == SECOND_US));
        assert_eq!((hour.attempts.len(), hour.occupancy.len(), hour.agents_on_break.len()), (3_600, 3_600, 3_600));
        assert_eq!(history.series(1, 1).at_us, hour.at_us[POINTS_KEPT - 60..]);
        assert_eq!(history.series(2, 60).at_us.len(), 0, "it has never been at work");
        assert_eq!(history.calls_per_s(), 5.0);
        // Stopped now, it is shown on; gone, it is forgotten.
        let later_us = (POINTS_KEPT as i64 + 200) * SECOND_US;
        history.take(&picture(later_us, [(1, "stopped")]));
        assert_eq!(history.series(1, 60).at_us.last(), Some(&later_us));
        history.take(&picture(later_us + SECOND_US, []));
        assert_eq!(history.series(1, 60), Series { step_s: 1, ..Series::default() });
    }

    #[test]
    fn a_wall_clock_that_is_set_back_leaves_moments_rising() {
        let mut history = History::default();
        for second in (0..100).chain(40..60) {
            history.take(&picture(second * SECOND_US, [(1, "running")]));
        }
        let seconds: Vec<i64> = history.series(1, 60).at_us.iter().map(|at| at / SECOND_US).collect();
        assert_eq!(seconds, (0..60).collect::<Vec<_>>());
        assert_eq!(history.calls_per_s(), 5.0);
    }

    #[test]
    fn a_hundred_campaigns_have_a_series_and_who_rests_longest_goes_first() {
        let mut history = History::default();
        let most = SERIES_MAX as u64;
        history.take(&picture(SECOND_US, (1..=most + 1).map(|id| (id, "running"))));
        assert_eq!((history.tracks.len(), history.series(most + 1, 1).at_us.len()), (SERIES_MAX, 0));
        for second in 2..10 {
            let state = |id| if id == 3 { "paused" } else { "running" };
            history.take(&picture(second * SECOND_US, (1..=most).map(|id| (id, state(id))).chain([(900, "stopped")])));
        }
        history.take(&picture(
            10 * SECOND_US,
            (1..=most).map(|id| (id, if id == 3 { "paused" } else { "running" })).chain([(900, "running")]),
        ));
        assert_eq!((history.tracks.len(), history.series(3, 1).at_us.len()), (SERIES_MAX, 0));
        assert_eq!(history.series(900, 1).at_us, [10 * SECOND_US]);
    }
}
