//! The called side's SIP: answers every INVITE with 180 and 200 and says where its audio goes.

use base::{Instant, ShardId};
use sip::{Config, DialogId, Endpoint, Event, Output};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV4, UdpSocket};
use wire::sdp::{Codec, Host, Media, Origin, Sdp};

/// Datagrams read in one tick: 8,000 calls that end at once send as many BYEs in some 100 ticks.
const DATAGRAMS_PER_TICK: usize = 256;

/// A leg came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// Its 200 was acknowledged; its audio goes to `to`.
    Up { leg: usize, to: SocketAddrV4 },
    /// It has ended.
    Down { leg: usize },
}

/// All calls of the load side.
pub(super) struct Calls {
    socket: UdpSocket,
    addr: SocketAddr,
    endpoint: Endpoint,
    legs: BTreeMap<DialogId, (usize, SocketAddrV4)>,
    changes: VecDeque<Changed>,
}

impl Calls {
    pub(super) fn bind(ip: IpAddr) -> io::Result<Calls> {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        socket.set_nonblocking(true)?;
        let addr = socket.local_addr()?;
        let random = base::Seed::from_u64(u64::from(addr.port())).stream("bench load", 0);
        let endpoint = Endpoint::new(Config::new(addr), random, ShardId(0));
        Ok(Calls { socket, addr, endpoint, legs: BTreeMap::new(), changes: VecDeque::new() })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What has changed, one at a time.
    pub(super) fn changed(&mut self) -> Option<Changed> {
        self.changes.pop_front()
    }

    /// Reads, answers, keeps the timers. `port_of` says where a leg hears.
    pub(super) fn step(&mut self, now: Instant, port_of: impl Fn(usize) -> u16) {
        let mut buffer = [0; 65_536];
        for _ in 0..DATAGRAMS_PER_TICK {
            let Ok((length, source)) = self.socket.recv_from(&mut buffer) else { break };
            self.endpoint.handle_datagram(now, source, &buffer[..length]);
            self.drain(now, &port_of);
        }
        if self.endpoint.poll_timeout().is_some_and(|at| at <= now) {
            self.endpoint.handle_timeout(now);
            self.drain(now, &port_of);
        }
    }

    fn drain(&mut self, now: Instant, port_of: &impl Fn(usize) -> u16) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Datagram { to, bytes } => {
                    // A datagram that the kernel does not take is lost like any other, and sent again by its timer.
                    let _ = self.socket.send_to(&bytes, to);
                }
                Output::Event(event) => self.handle(now, event, port_of),
            }
        }
    }

    fn handle(&mut self, now: Instant, event: Event, port_of: &impl Fn(usize) -> u16) {
        match event {
            Event::Incoming { dialog, to_user, sdp, .. } => {
                let (Ok(leg), Some(to)) = (to_user.parse::<usize>(), sdp.as_deref().and_then(audio_address)) else {
                    let _ = self.endpoint.reject(now, dialog, 404, None);
                    return;
                };
                self.legs.insert(dialog, (leg, to));
                let answer = description(self.addr.ip(), port_of(leg));
                // Both can only be refused when the caller is gone, and then `Failed` comes.
                let _ = self.endpoint.progress(now, dialog, 180, None);
                let _ = self.endpoint.answer(now, dialog, answer);
            }
            Event::Confirmed { dialog, .. } => {
                if let Some(&(leg, to)) = self.legs.get(&dialog) {
                    self.changes.push_back(Changed::Up { leg, to });
                }
            }
            Event::Failed { dialog, .. } | Event::Ended { dialog, .. } => {
                if let Some((leg, _)) = self.legs.remove(&dialog) {
                    self.changes.push_back(Changed::Down { leg });
                }
            }
            _ => {}
        }
    }
}

/// Where an offer wants its audio.
fn audio_address(offer: &[u8]) -> Option<SocketAddrV4> {
    let offer = Sdp::parse(offer).ok()?;
    let audio = offer.audio()?;
    match audio.addr(&offer)? {
        IpAddr::V4(ip) => Some(SocketAddrV4::new(ip, audio.port)),
        IpAddr::V6(_) => None,
    }
}

fn description(ip: IpAddr, port: u16) -> Vec<u8> {
    let mut audio = Media::audio(port);
    audio.add_codec(Codec::Pcmu);
    let origin = Origin { user: "-".to_owned(), sess_id: 1, sess_version: 1, addr: Host::Ip(ip) };
    let sdp =
        Sdp { origin, name: String::new(), connection: Some(Host::Ip(ip)), attributes: Vec::new(), media: vec![audio] };
    sdp.to_bytes()
}
