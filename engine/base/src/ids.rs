//! Typed ids: a number that cannot be mistaken for another kind of number.

macro_rules! typed_id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u64);
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

typed_id! {
    /// One core's world; also the index of its thread.
    ShardId,
    /// A trunk of the configuration.
    TrunkId,
    /// One call: one customer or agent conversation as the control plane names it, unique for ever in a store.
    CallId,
    /// One SIP dialog with its RTP, inside a call. Chosen by the control plane, so it does not depend on the shard.
    LegId,
    /// A person who takes calls.
    AgentId,
    /// A campaign.
    CampaignId,
    /// A list of leads.
    ListId,
    /// A contact on a list with its dial state.
    LeadId,
    /// One attempt at one lead; unique for ever in a store.
    AttemptId,
    /// One playing of a prompt on a leg, as whoever orders it counts: the newest has the highest.
    PlayId,
}
