//! A simulated world: nodes of real shards and their controllers on a simulated network, in virtual time, without sockets.
//!
//! Every step goes to the earliest event of anybody, delivers, fires timers and then drains all nodes until nothing moves.
//! The same seed gives the same run. Media and SIP travel as bytes, so what is tested is the whole way of a call but the
//! operating system.

use crate::controller::{Controller, earlier};
use crate::netsim::{LinkConfig, NetSim};
use base::{Duration, Instant, Seed, ShardId, WallAnchor};
use call::{Counts, Output, Shard, ShardConfig};
use net::front::{Door, Front};
use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

/// Steps without any passing of time after which the world is called broken: the busiest moment of a simulated
/// node (2,000 legs with a frame each, and an event for each) needs two or three rounds.
const ROUNDS_MAX: u32 = 10_000;

/// Settings of one node.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its SIP address; its media has the same IP address.
    pub sip: SocketAddr,
    /// Shards behind the one SIP address.
    pub shards: usize,
    /// Media ports, shared out among the shards in pairs.
    pub ports: RangeInclusive<u16>,
    /// What its shards draw from.
    pub seed: Seed,
    /// An answered leg that hears nothing for so long is hung up; zero never does.
    pub media_timeout: Duration,
}

impl NodeConfig {
    /// A node of one shard with 1,000 port pairs.
    pub fn new(sip: SocketAddr, seed: Seed) -> Self {
        NodeConfig { sip, shards: 1, ports: 20_000..=21_999, seed, media_timeout: ShardConfig::MEDIA_TIMEOUT }
    }
}

/// Which node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(usize);

struct Node {
    sip: SocketAddr,
    front: Front,
    shards: Vec<Shard>,
    /// Media ports: pair n belongs to shard n mod shards, as the driver does it.
    first_port: u16,
    last_port: u16,
    controller: Box<dyn Controller>,
}

impl Node {
    fn shard_of_port(&self, port: u16) -> Option<usize> {
        (self.first_port..=self.last_port)
            .contains(&port)
            .then(|| usize::from((port - self.first_port) / 2) % self.shards.len())
    }
}

/// The world. See the module's head.
pub struct World {
    now: Instant,
    anchor: WallAnchor,
    network: NetSim,
    nodes: Vec<Node>,
    unreachable: u64,
}

impl World {
    /// An empty world whose every way behaves like `link`. It begins at `anchor`.
    pub fn new(link: LinkConfig, seed: Seed, anchor: WallAnchor) -> Self {
        World { now: anchor.instant, anchor, network: NetSim::new(link, seed), nodes: Vec::new(), unreachable: 0 }
    }

    /// Puts a node into the world. Its controller's first commands are taken at the next step.
    pub fn add(&mut self, config: NodeConfig, controller: impl Controller) -> NodeId {
        let first_port = config.ports.start().next_multiple_of(2);
        let last_port = *config.ports.end();
        let count = config.shards.max(1);
        let shard = |index: usize| {
            let id = ShardId(index as u64);
            let mut shard_config = ShardConfig::new(id, config.sip, config.sip.ip(), "outpace-world");
            shard_config.media_timeout = config.media_timeout;
            let mut shard = Shard::new(shard_config, config.seed, self.anchor);
            let pairs = (first_port..last_port).step_by(2);
            shard.add_ports(&pairs.skip(index).step_by(count).collect::<Vec<u16>>());
            shard
        };
        let shards = (0..count).map(shard).collect();
        let controller = Box::new(controller);
        self.nodes.push(Node {
            sip: config.sip,
            front: Front::new(config.sip, count as u64),
            shards,
            first_port,
            last_port,
            controller,
        });
        NodeId(self.nodes.len() - 1)
    }

    /// The moment the world has reached.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The network, to change links or read counts.
    pub fn network(&mut self) -> &mut NetSim {
        &mut self.network
    }

    /// Datagrams for addresses where nobody lives.
    pub fn unreachable(&self) -> u64 {
        self.unreachable
    }

    /// A node's controller, if it is a `C`.
    pub fn controller<C: Controller>(&self, node: NodeId) -> Option<&C> {
        let controller: &dyn Any = &*self.nodes.get(node.0)?.controller;
        controller.downcast_ref()
    }

    /// A node's controller, to be given wishes between two steps.
    pub fn controller_mut<C: Controller>(&mut self, node: NodeId) -> Option<&mut C> {
        let controller: &mut dyn Any = &mut *self.nodes.get_mut(node.0)?.controller;
        controller.downcast_mut()
    }

    /// What each shard of a node holds.
    pub fn counts(&self, node: NodeId) -> Vec<Counts> {
        self.nodes.get(node.0).map(|node| node.shards.iter().map(Shard::counts).collect()).unwrap_or_default()
    }

    /// Goes on until `end`; the world then stands at `end`.
    pub fn run_until(&mut self, end: Instant) {
        self.run_while(end, |_| true);
        self.now = self.now.max(end);
    }

    /// Goes on while `wanted` holds, to `end` at the latest. True when `wanted` ceased to hold.
    pub fn run_while(&mut self, end: Instant, mut wanted: impl FnMut(&World) -> bool) -> bool {
        self.settle();
        while wanted(self) {
            match self.next_event() {
                Some(at) if at <= end => {
                    self.now = self.now.max(at);
                    self.step();
                }
                _ => return false,
            }
        }
        true
    }

    fn next_event(&self) -> Option<Instant> {
        let nodes = self.nodes.iter().flat_map(|node| {
            node.shards.iter().map(Shard::poll_timeout).chain(std::iter::once(node.controller.poll_timeout()))
        });
        nodes.fold(self.network.poll_timeout(), earlier)
    }

    /// Everything that is due now.
    fn step(&mut self) {
        let now = self.now;
        while let Some(delivery) = self.network.pop_due(now) {
            self.deliver(now, delivery.from, delivery.to, &delivery.bytes);
        }
        for node in &mut self.nodes {
            for shard in &mut node.shards {
                if shard.poll_timeout().is_some_and(|at| at <= now) {
                    shard.handle_timeout(now);
                }
            }
            if node.controller.poll_timeout().is_some_and(|at| at <= now) {
                node.controller.handle_timeout(now);
            }
        }
        self.settle();
    }

    fn deliver(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let Some(node) = self.nodes.iter_mut().find(|node| node.sip.ip() == to.ip()) else {
            self.unreachable += 1;
            return;
        };
        if to == node.sip {
            if let Door::Shard(shard) = node.front.shard_of(bytes) {
                node.shards[shard.0 as usize].handle_sip(now, from, bytes);
            }
        } else if let Some(shard) = node.shard_of_port(to.port()) {
            if to.port().is_multiple_of(2) {
                node.shards[shard].handle_rtp(now, to.port(), from, bytes);
            } else {
                node.shards[shard].handle_rtcp(now, to.port() - 1, from, bytes);
            }
        } else {
            self.unreachable += 1;
        }
    }

    /// Drains every node until nothing moves any more.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < ROUNDS_MAX, "the world does not come to rest at {:?}", self.now);
            let mut moved = false;
            for node in &mut self.nodes {
                moved |= drain(node, &mut self.network, self.now);
            }
            if !moved {
                return;
            }
        }
    }
}

/// One pass over a node: outputs and packets of its shards, then commands of its controller. True when anything moved.
fn drain(node: &mut Node, network: &mut NetSim, now: Instant) -> bool {
    let mut moved = false;
    let media_ip: IpAddr = node.sip.ip();
    for index in 0..node.shards.len() {
        while let Some(output) = node.shards[index].poll_output() {
            moved = true;
            match output {
                Output::Sip { to, bytes } => network.send(now, node.sip, to, &bytes),
                Output::Event(event) => node.controller.handle_event(now, ShardId(index as u64), event),
                Output::Peer { shard, message } => {
                    if let Some(peer) = node.shards.get_mut(shard.0 as usize) {
                        peer.handle_peer(now, message);
                    }
                }
            }
        }
        let packets = node.shards[index].packets();
        for packet in packets.iter() {
            let from = SocketAddr::new(media_ip, packet.port + u16::from(packet.rtcp));
            network.send(now, from, packet.to, packet.bytes);
        }
        packets.clear();
    }
    while let Some((shard, command)) = node.controller.poll_command() {
        moved = true;
        if let Some(shard) = node.shards.get_mut(shard.0 as usize) {
            shard.handle_command(now, command);
        }
    }
    moved
}

#[cfg(test)]
mod tests;
