//! One io_uring and the memory it shares with the kernel, behind safe functions: the only place besides `sys` with
//! `unsafe`, and the only one that names the `io-uring` crate.
//!
//! ```text
//!  arm ──> multishot receive ──> kernel picks a buffer of the group ──> Completion::Datagram(Lent) ── give_back ──┐
//!                                          ^─────────────────────────────────────────────────────────────────────┘
//!  send ─> slot (address, bytes) ──> kernel ──> Completion::Sent ──> slot is free again
//! ```
//!
//! **Who owns which memory.** A receive buffer belongs to the kernel until a completion lends it to us (a [`Lent`], which
//! cannot be copied), and again from `give_back` on. A send slot belongs to the kernel from `send` until its completion.
//! The memory is freed only after the kernel has said of every operation that it is over; where it will not say so
//! within [`CALM_WAIT_MAX`], the memory is left to the process for good, since a write into freed memory would be worse.
//!
//! **Absent.** SEND_ZC, SQPOLL and registered files: measured, and slower or no faster for 172-byte packets.

use crate::sys::{Name, addr_of_name};
use base::limits::{DATAGRAM_BYTES_MAX, MEDIA_PACKET_BYTES_MAX};
use base::{Duration, Instant};
use io_uring::types::{BufRingEntry, CancelBuilder, Fd, RecvMsgOut, SubmitArgs, Timespec};
use io_uring::{IoUring, Probe, cqueue, opcode, squeue};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

/// Buffers for RTP and RTCP: 2,700 legs bring 135 packets a tick, so 1,024 hold 7 ticks; 1,024 × 1.5 KiB = 1.5 MiB. When
/// they run out packets wait in their sockets.
pub(super) const MEDIA_BUFFERS: u16 = 1_024;

/// Buffers for SIP: as many as the poll driver reads in a tick. 256 × 64 KiB = 16 MiB of address space, of which only what
/// datagrams have really filled is ever in memory: 1 MiB with messages of up to 4 KiB.
pub(super) const SIP_BUFFERS: u16 = 256;

/// Media packets on their way out of one ring: more than one submission holds (see `SUBMIT_MAX` of the driver), since a
/// send that does not wait is over when the submission returns. 256 × 1.5 KiB = 384 KiB.
pub(super) const SEND_SLOTS: u16 = 256;

/// Entries of the submission queue: all sends of one submission and room for receives that are armed beside them.
const SUBMISSIONS: u32 = 512;

/// Entries of the completion queue: every buffer and every slot at once, an end of reception for 2,048 sockets at once,
/// and room; 8,192 × 16 bytes = 128 KiB. What does not fit waits in the kernel (IORING_FEAT_NODROP).
const COMPLETIONS: u32 = 8_192;

/// How long the end waits for the kernel to let go of all memory. Cancelling is a matter of microseconds.
const CALM_WAIT_MAX: Duration = Duration::from_secs(1);

/// The page size that buffer rings must be aligned to; 64 KiB covers every machine Linux runs on.
const PAGE_BYTES: usize = 64 * 1024;

/// IORING_ENTER_GETEVENTS: the kernel works on arrivals.
const ENTER_GETEVENTS: u32 = 1;

/// What the kernel writes before each datagram: `struct io_uring_recvmsg_out`, four 32-bit words, then the address.
const HEAD_BYTES: usize = 16 + Name::BYTES;

/// Which buffers a socket receives into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Group {
    /// Packets of at most `MEDIA_PACKET_BYTES_MAX`.
    Media,
    /// Datagrams of any length.
    Sip,
}

/// A receive buffer that the kernel has lent us, filled.
#[derive(Debug)]
pub(super) struct Lent {
    group: Group,
    id: u16,
    bytes: usize,
}

/// What the kernel has done.
#[derive(Debug)]
pub(super) enum Completion {
    /// A datagram came in on the socket armed as `token`. Without `more` the socket must be armed again.
    Datagram { token: u32, lent: Lent, more: bool },
    /// Receiving on `token` is over, with this error; the socket must be armed again.
    Ended { token: u32, error: io::Error },
    /// The wake-up descriptor was written to. Without `more` it must be armed again.
    Woken { more: bool },
    /// A packet left, or did not.
    Sent { due: Option<Instant>, result: io::Result<()> },
}

/// Kinds of operation, in the top byte of their `user_data`; below them the token or the slot.
const RECEIVE_MEDIA: u64 = 1 << 56;
const RECEIVE_SIP: u64 = 2 << 56;
const WAKE: u64 = 3 << 56;
const SEND: u64 = 4 << 56;
const KINDS: u64 = 0xff << 56;

/// One ring. Made anywhere, then used by the one thread that calls `enable`.
pub(super) struct Uring {
    // First, so that it is closed before the memory below is freed.
    ring: IoUring,
    media: Buffers,
    sip: Option<Buffers>,
    slots: Slots,
    /// The form of what a receive asks for; the kernel reads it when a receive is armed.
    form: Box<libc::msghdr>,
    /// Operations that the kernel holds beyond the submission: receives and the wake-up.
    armed: usize,
    enabled: bool,
}

// SAFETY: all raw pointers in here point at memory that only this value owns; the ring's own thread rule (one submitter) is
// the kernel's to watch: it begins with `enable` and a breach is an error code, no undefined behaviour.
unsafe impl Send for Uring {}

impl Uring {
    /// A ring with its buffers, not yet enabled. With `sip`, room for SIP datagrams too.
    ///
    /// DEFER_TASKRUN is asked for without a second try: with it all kernel work for this ring happens in our own wait,
    /// which is what reaps a whole tick at once, and the kernels without it (before 6.1) lack sends with an address.
    pub(super) fn new(sip: bool) -> io::Result<Uring> {
        let ring = IoUring::builder()
            .dontfork()
            .setup_r_disabled()
            .setup_single_issuer()
            .setup_coop_taskrun()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_cqsize(COMPLETIONS)
            .build(SUBMISSIONS)?;
        let unfit = |what| Err(io::Error::new(io::ErrorKind::Unsupported, what));
        if !ring.params().is_feature_nodrop() || !ring.params().is_feature_ext_arg() {
            return unfit("the kernel's io_uring lacks NODROP or EXT_ARG");
        }
        let mut probe = Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        for code in [opcode::RecvMsgMulti::CODE, opcode::Send::CODE, opcode::PollAdd::CODE, opcode::AsyncCancel::CODE] {
            if !probe.is_supported(code) {
                return unfit("the kernel's io_uring lacks an operation");
            }
        }
        // SAFETY: msghdr is integers and raw pointers, for which zero bytes are valid values.
        let mut form: Box<libc::msghdr> = Box::new(unsafe { mem::zeroed() });
        form.msg_namelen = Name::BYTES as libc::socklen_t;
        let media = Buffers::new(Group::Media, MEDIA_BUFFERS, HEAD_BYTES + MEDIA_PACKET_BYTES_MAX);
        let sip = sip.then(|| Buffers::new(Group::Sip, SIP_BUFFERS, HEAD_BYTES + DATAGRAM_BYTES_MAX));
        // From here on the order of the fields counts: the ring closes before the memory goes.
        let uring = Uring { ring, media, sip, slots: Slots::new(), form, armed: 0, enabled: false };
        for buffers in [Some(&uring.media), uring.sip.as_ref()].into_iter().flatten() {
            let (base, entries) = (buffers.ring.as_ptr() as u64, buffers.count);
            // SAFETY: `base` is the page-aligned start of `entries` zeroed ring entries, which live until the ring is closed
            // and calm (see `drop`).
            unsafe { uring.ring.submitter().register_buf_ring_with_flags(base, entries, buffers.group as u16, 0)? };
        }
        Ok(uring)
    }

    /// Makes the calling thread the one that submits.
    pub(super) fn enable(&mut self) -> io::Result<()> {
        self.ring.submitter().register_enable_rings()?;
        self.enabled = true;
        for buffers in [Some(&mut self.media), self.sip.as_mut()].into_iter().flatten() {
            (0..buffers.count).for_each(|id| buffers.offer(id));
            buffers.publish();
        }
        Ok(())
    }

    /// Whether the kernel has a buffer of this group to receive into.
    pub(super) fn has_room(&self, group: Group) -> bool {
        self.buffers(group).is_some_and(|buffers| buffers.lent < buffers.count)
    }

    /// Receives on `socket` until the kernel says that it is over; completions bear `token`.
    pub(super) fn arm(&mut self, socket: BorrowedFd<'_>, group: Group, token: u32) -> io::Result<()> {
        let kind = if group == Group::Media { RECEIVE_MEDIA } else { RECEIVE_SIP };
        let receive = opcode::RecvMsgMulti::new(Fd(socket.as_raw_fd()), &raw const *self.form, group as u16);
        let entry = receive.build().user_data(kind | u64::from(token));
        // SAFETY: `form` is boxed and lives as long as the ring; it asks for no memory but that of the group, which lives
        // until the ring is calm.
        unsafe { self.push(&entry)? };
        self.armed += 1;
        Ok(())
    }

    /// Reports each write to `event`, an eventfd.
    pub(super) fn arm_wake(&mut self, event: BorrowedFd<'_>) -> io::Result<()> {
        let entry =
            opcode::PollAdd::new(Fd(event.as_raw_fd()), libc::POLLIN as u32).multi(true).build().user_data(WAKE);
        // SAFETY: a poll names no memory.
        unsafe { self.push(&entry)? };
        self.armed += 1;
        Ok(())
    }

    /// Queues a packet; it leaves at the next submission. `false` when all slots are on their way; longer packets than
    /// `MEDIA_PACKET_BYTES_MAX` are refused with an error.
    pub(super) fn send(
        &mut self,
        socket: BorrowedFd<'_>,
        to: SocketAddr,
        bytes: &[u8],
        due: Option<Instant>,
    ) -> io::Result<bool> {
        if bytes.len() > MEDIA_PACKET_BYTES_MAX {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        let Some(id) = self.slots.free.pop() else { return Ok(false) };
        let (name, name_bytes) = Name::of(to);
        let slot = self.slots.at(id);
        // SAFETY: `id` was on the list of free slots, so no operation of the kernel names this slot and nobody else holds a
        // pointer to it; the slot's memory is ours and long enough (checked above). Writes go through raw pointers, so no
        // reference to memory that is shared with the kernel is ever made.
        unsafe {
            (&raw mut (*slot).name).write(name);
            let place = (&raw mut (*slot).bytes).cast::<u8>();
            place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            (&raw mut (*slot).due).write(due);
        }
        // SAFETY: only addresses inside the slot are computed, nothing is read.
        let (name, place) = unsafe { ((&raw const (*slot).name), (&raw const (*slot).bytes)) };
        let entry = opcode::Send::new(Fd(socket.as_raw_fd()), place.cast(), bytes.len() as u32)
            .flags(libc::MSG_DONTWAIT)
            .dest_addr(name.cast())
            .dest_addr_len(name_bytes)
            .build()
            .user_data(SEND | u64::from(id));
        // SAFETY: name and bytes lie in the slot, which is not written again before its completion gives it back.
        if let Err(error) = unsafe { self.push(&entry) } {
            self.slots.free.push(id);
            return Err(error);
        }
        Ok(true)
    }

    /// Puts an operation into the submission queue, making room by submitting when it is full.
    ///
    /// # Safety
    /// What the entry points at must stay valid, and unwritten by us, until the operation's last completion.
    unsafe fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        // SAFETY: passed on to our caller.
        if unsafe { self.ring.submission().push(entry) }.is_ok() {
            return Ok(());
        }
        self.submit()?;
        // SAFETY: as above.
        unsafe { self.ring.submission().push(entry) }.map_err(|_| io::Error::from(io::ErrorKind::WouldBlock))
    }

    /// Hands what is queued to the kernel, without waiting, and without letting it work on arrivals: sends go first.
    pub(super) fn submit(&mut self) -> io::Result<()> {
        self.enter(0)
    }

    /// True when the kernel has arrivals to work on (one `work` takes about 20 of them), completions that found no room, or
    /// operations of ours that are queued.
    pub(super) fn has_work(&mut self) -> bool {
        let queue = self.ring.submission();
        queue.taskrun() || queue.cq_overflow() || !queue.is_empty()
    }

    /// Lets the kernel work on arrivals; their completions are there when it returns.
    pub(super) fn work(&mut self) -> io::Result<()> {
        self.enter(ENTER_GETEVENTS)
    }

    fn enter(&mut self, flags: u32) -> io::Result<()> {
        let queued = self.ring.submission().len() as u32;
        // SAFETY: no argument block is passed; what the queued entries point at is valid by the promise made in `push`.
        let entered = unsafe { self.ring.submitter().enter::<libc::sigset_t>(queued, 0, flags, None) };
        match entered.map_err(|error| error.raw_os_error()) {
            // Interrupted, or the completion queue is full: what was not taken stays queued.
            Ok(_) | Err(Some(libc::EINTR | libc::EBUSY | libc::EAGAIN)) => Ok(()),
            Err(code) => Err(io::Error::from_raw_os_error(code.unwrap_or(libc::EIO))),
        }
    }

    /// Hands over what is queued and waits until `want` completions are there or `span` is over. Being interrupted, or
    /// finding the completion queue full, ends the wait early and is no error.
    pub(super) fn wait(&mut self, want: usize, span: Duration) -> io::Result<()> {
        let time = Timespec::new().sec(span.as_ns() / 1_000_000_000).nsec((span.as_ns() % 1_000_000_000) as u32);
        match self.ring.submitter().submit_with_args(want, &SubmitArgs::new().timespec(&time)) {
            Ok(_) => Ok(()),
            Err(error) => match error.raw_os_error() {
                Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// The next thing the kernel has done; asks nothing of it.
    pub(super) fn next_completion(&mut self) -> Option<Completion> {
        let entry = self.ring.completion().next()?;
        let (data, result, flags) = (entry.user_data(), entry.result(), entry.flags());
        let more = cqueue::more(flags);
        let outcome = if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result as usize) };
        if data & KINDS == SEND {
            let id = data as u16;
            let slot = self.slots.at(id);
            // SAFETY: the slot's operation is over with this completion, so the slot is ours alone.
            let due = unsafe { (&raw const (*slot).due).read() };
            self.slots.free.push(id);
            return Some(Completion::Sent { due, result: outcome.map(|_| ()) });
        }
        self.armed -= usize::from(!more);
        if data & KINDS == WAKE {
            return Some(Completion::Woken { more });
        }
        let (token, group) = (data as u32, if data & KINDS == RECEIVE_SIP { Group::Sip } else { Group::Media });
        let lent = cqueue::buffer_select(flags).and_then(|id| Some((id, self.buffers_mut(group)?)));
        Some(match (outcome, lent) {
            (Ok(bytes), Some((id, buffers))) => {
                buffers.lent += 1;
                Completion::Datagram { token, lent: Lent { group, id, bytes }, more }
            }
            (Ok(_), None) => Completion::Ended { token, error: io::Error::from(io::ErrorKind::UnexpectedEof) },
            (Err(error), _) => Completion::Ended { token, error },
        })
    }

    /// A datagram and its sender; the last value is true when it was longer than the buffer. `None` when the sender has no
    /// IP address.
    pub(super) fn datagram(&self, lent: &Lent) -> Option<(SocketAddr, &[u8], bool)> {
        let buffers = self.buffers(lent.group)?;
        let length = lent.bytes.min(buffers.size);
        // SAFETY: `lent` came from a completion of this group, so its id is one of the group's buffers, the kernel has let go
        // of it and wrote its first `length` bytes (all were zeroed when made); it is not offered again while `lent` lives,
        // since only `give_back` does that and takes `lent` away. The slice lives no longer than `&self` and `lent`.
        let bytes = unsafe { std::slice::from_raw_parts(buffers.at(lent.id), length) };
        let out = RecvMsgOut::parse(bytes, &self.form).ok()?;
        let (head, cut) = (HEAD_BYTES.min(length), out.is_payload_truncated());
        Some((addr_of_name(bytes.get(16..head)?)?, &bytes[head..], cut))
    }

    /// Lets the kernel have a buffer again; it learns of it at the next `publish`.
    pub(super) fn give_back(&mut self, lent: Lent) {
        if let Some(buffers) = self.buffers_mut(lent.group) {
            buffers.lent -= 1;
            buffers.offer(lent.id);
        }
    }

    /// Tells the kernel of the buffers given back.
    pub(super) fn publish(&mut self, group: Group) {
        if let Some(buffers) = self.buffers_mut(group) {
            buffers.publish();
        }
    }

    /// Operations that the kernel still holds.
    pub(super) fn in_flight(&self) -> usize {
        self.armed + (usize::from(SEND_SLOTS) - self.slots.free.len())
    }

    /// Buffers in our hands.
    #[cfg(test)]
    pub(super) fn lent(&self, group: Group) -> u16 {
        self.buffers(group).map_or(0, |buffers| buffers.lent)
    }

    fn buffers(&self, group: Group) -> Option<&Buffers> {
        if group == Group::Media { Some(&self.media) } else { self.sip.as_ref() }
    }
    fn buffers_mut(&mut self, group: Group) -> Option<&mut Buffers> {
        if group == Group::Media { Some(&mut self.media) } else { self.sip.as_mut() }
    }

    /// Cancels everything and waits until the kernel has let go of all memory. False when it has not.
    fn calm(&mut self) -> bool {
        const TRIES: u64 = 100;
        for _ in 0..TRIES {
            if self.in_flight() == 0 {
                return true;
            }
            let step = Duration::from_ns(CALM_WAIT_MAX.as_ns() / TRIES);
            // Also submits what is still queued, so that it can be cancelled. "Nothing found" is no fault.
            let _ = self.ring.submit();
            let limit = Timespec::new().nsec(step.as_ns() as u32);
            let _ = self.ring.submitter().register_sync_cancel(Some(limit), CancelBuilder::any());
            if self.wait(self.in_flight(), step).is_err() {
                return false;
            }
            while self.next_completion().is_some() {}
        }
        self.in_flight() == 0
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        // A ring that was never enabled has submitted nothing.
        if self.enabled && !self.calm() {
            tracing::error!(in_flight = self.in_flight(), "io_uring operations did not end; their memory is not freed");
            self.slots.keep = true;
            self.media.keep = true;
            if let Some(sip) = &mut self.sip {
                sip.keep = true;
            }
        }
    }
}

/// Zeroed memory at a page border.
fn pages(bytes: usize) -> (NonNull<u8>, Layout) {
    // The sizes are constants of this file, far below `isize::MAX`; the alignment is a power of two.
    let layout = Layout::from_size_align(bytes.max(1), PAGE_BYTES).expect("constant sizes make a valid layout");
    // SAFETY: the layout has a size above zero.
    let memory = unsafe { alloc_zeroed(layout) };
    (NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout)), layout)
}

/// A ring of receive buffers that the kernel takes from (`IORING_REGISTER_PBUF_RING`).
struct Buffers {
    group: Group,
    count: u16,
    /// Bytes of each.
    size: usize,
    ring: NonNull<u8>,
    ring_layout: Layout,
    memory: NonNull<u8>,
    memory_layout: Layout,
    /// Entries offered since the start, modulo 2¹⁶; the kernel sees what was published.
    tail: u16,
    /// Buffers in our hands.
    lent: u16,
    /// The kernel may still write: do not free.
    keep: bool,
}

impl Buffers {
    /// `count` must be a power of two (the kernel masks with it).
    fn new(group: Group, count: u16, size: usize) -> Buffers {
        let (ring, ring_layout) = pages(usize::from(count) * mem::size_of::<BufRingEntry>());
        let size = size.next_multiple_of(64);
        let (memory, memory_layout) = pages(usize::from(count) * size);
        Buffers { group, count, size, ring, ring_layout, memory, memory_layout, tail: 0, lent: 0, keep: false }
    }

    fn at(&self, id: u16) -> *mut u8 {
        // An id out of range would be the kernel's fault; it is kept inside all the same.
        let index = usize::from(id % self.count);
        // SAFETY: `index` is below `count`, so the place lies inside the allocation of `count × size` bytes.
        unsafe { self.memory.as_ptr().add(index * self.size) }
    }

    /// Puts a buffer into the ring. The caller does not hold it any more.
    fn offer(&mut self, id: u16) {
        let (address, place) = (self.at(id) as u64, usize::from(self.tail & (self.count - 1)));
        // SAFETY: `place` is below `count`, so the entry lies in the ring's allocation. The kernel does not read beyond the
        // published tail, and never more than `count` buffers exist, so it is not reading this entry now. The writes go
        // through a raw pointer to fields of this entry; the tail, which shares the first entry's last two bytes, is not
        // touched by them.
        unsafe {
            let entry = &mut *self.ring.as_ptr().cast::<BufRingEntry>().add(place);
            entry.set_addr(address);
            entry.set_len(self.size as u32);
            entry.set_bid(id % self.count);
        }
        self.tail = self.tail.wrapping_add(1);
    }

    fn publish(&mut self) {
        // SAFETY: the ring's first entry is inside its allocation and initialised (zeroed); its tail field is two aligned
        // bytes that we write and the kernel reads, so it is accessed as an atomic. Release orders the entries before it.
        unsafe {
            let tail = BufRingEntry::tail(self.ring.as_ptr().cast::<BufRingEntry>());
            AtomicU16::from_ptr(tail.cast_mut()).store(self.tail, Ordering::Release);
        }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        if !self.keep {
            // SAFETY: both were allocated with exactly these layouts and are freed once; the ring is closed and calm.
            unsafe {
                dealloc(self.ring.as_ptr(), self.ring_layout);
                dealloc(self.memory.as_ptr(), self.memory_layout);
            }
        }
    }
}

/// One packet on its way out.
#[repr(C)]
struct Slot {
    name: Name,
    due: Option<Instant>,
    bytes: [u8; MEDIA_PACKET_BYTES_MAX],
}

/// The packets on their way out.
struct Slots {
    memory: NonNull<u8>,
    layout: Layout,
    /// Those not in the kernel's hands. The latest first, so that a light load keeps to few cache lines.
    free: Vec<u16>,
    keep: bool,
}

impl Slots {
    fn new() -> Slots {
        let (memory, layout) = pages(usize::from(SEND_SLOTS) * mem::size_of::<Slot>());
        Slots { memory, layout, free: (0..SEND_SLOTS).rev().collect(), keep: false }
    }
    fn at(&self, id: u16) -> *mut Slot {
        // SAFETY: the index is below `SEND_SLOTS`, for which the memory was allocated.
        unsafe { self.memory.as_ptr().cast::<Slot>().add(usize::from(id % SEND_SLOTS)) }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        if !self.keep {
            // SAFETY: allocated with exactly this layout and freed once; no operation names a slot any more.
            unsafe { dealloc(self.memory.as_ptr(), self.layout) };
        }
    }
}
