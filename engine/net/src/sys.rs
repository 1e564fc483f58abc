//! The system calls of the room behind safe functions. Every `unsafe` block of the project's engine is in this file, or
//! where it is about io_uring in `ring/uring.rs`.

use std::fs::File;
use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Messages of one recvmmsg or sendmmsg call. Beyond 64 the gain per packet is lost in the noise, and the headers of 64
/// (64 × (64 + 16 + 32 bytes) = 7 KB) still lie easily on a thread's stack.
pub(crate) const BATCH_MAX: usize = 64;

/// −1 becomes the error of the thread, anything else passes.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid, exclusively borrowed timespec for the length of the call, which keeps no pointer. It
    // cannot fail for the clocks named in this file, which every Linux has; on failure `time` stays zero.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// CLOCK_MONOTONIC in nanoseconds.
pub(crate) fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// CLOCK_REALTIME in nanoseconds since the Unix epoch.
pub(crate) fn realtime_ns() -> u64 {
    clock_ns(libc::CLOCK_REALTIME)
}

/// Processor time of the calling thread in nanoseconds, user and system.
pub(crate) fn thread_cpu_ns() -> u64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Fills `bytes` from getrandom(2).
pub(crate) fn fill_random(bytes: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        let rest = &mut bytes[filled..];
        // SAFETY: pointer and length describe `rest`, which is borrowed exclusively; the kernel writes at most that many
        // bytes and keeps no pointer.
        let got = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match got {
            0.. => filled += got as usize,
            _ => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

/// A non-blocking eventfd as a file: an 8-byte write adds, an 8-byte read takes all and resets.
pub(crate) fn eventfd() -> io::Result<File> {
    // SAFETY: no pointers; the result is checked before use.
    let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
    // SAFETY: `fd` was just made by the kernel and nobody else knows it, so it is open and owned only here.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// Sleeps until `fd` can be read or the time is over. True when it can be read.
pub(crate) fn wait_readable(fd: BorrowedFd<'_>, timeout_ns: u64) -> bool {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let timeout = libc::timespec {
        tv_sec: (timeout_ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (timeout_ns % 1_000_000_000) as libc::c_long,
    };
    // SAFETY: one pollfd and one timespec, both alive for the whole call; the null mask means "leave signals alone".
    let ready = unsafe { libc::ppoll(&mut poll, 1, &timeout, std::ptr::null()) };
    ready > 0 // an interrupted sleep just ends early, which every caller allows
}

/// A set of sockets that can be asked which of them have something to read (level triggered).
pub(crate) struct Epoll(OwnedFd);

/// Answers of one `Epoll::ready` call.
pub(crate) struct ReadyList(Vec<libc::epoll_event>);

impl ReadyList {
    /// Room for `limit` answers.
    pub(crate) fn new(limit: usize) -> ReadyList {
        ReadyList(vec![libc::epoll_event { events: 0, u64: 0 }; limit.max(1)])
    }
    /// The token of answer `index`.
    pub(crate) fn token(&self, index: usize) -> u64 {
        self.0[index].u64
    }
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        // SAFETY: no pointers; the result is checked before use.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: `fd` was just made by the kernel and nobody else knows it, so it is open and owned only here.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Watches `fd` for reading until it is closed; answers carry `token`.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        // SAFETY: both descriptors are open (one owned, one borrowed); `event` lives through the call and is copied.
        check(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &mut event) })?;
        Ok(())
    }

    /// How many sockets can be read now, without waiting; their tokens are in `list`.
    pub(crate) fn ready(&self, list: &mut ReadyList) -> io::Result<usize> {
        let room = libc::c_int::try_from(list.0.len()).unwrap_or(libc::c_int::MAX);
        // SAFETY: pointer and count describe the list's storage, borrowed exclusively; the kernel writes at most `room`
        // entries. Timeout 0 never sleeps.
        let count = check(unsafe { libc::epoll_wait(self.0.as_raw_fd(), list.0.as_mut_ptr(), room, 0) })?;
        Ok(count as usize)
    }
}

/// A socket address as the kernel writes it (sockaddr_in of 16 bytes, sockaddr_in6 of 28): plain bytes, so that reading and
/// writing it needs no cast. Aligned as the kernel's own structures are.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct Name([u8; Name::BYTES]);

impl Name {
    /// Room for the longer of the two families.
    pub(crate) const BYTES: usize = 28;
    const V4_BYTES: usize = 16;

    /// All zero: a place for the kernel to write to.
    pub(crate) const fn empty() -> Name {
        Name([0; Name::BYTES])
    }

    /// The address and the number of bytes that it takes.
    pub(crate) fn of(addr: SocketAddr) -> (Name, libc::socklen_t) {
        let mut bytes = [0; Name::BYTES];
        bytes[2..4].copy_from_slice(&addr.port().to_be_bytes());
        let (family, length) = match addr {
            SocketAddr::V4(v4) => {
                bytes[4..8].copy_from_slice(&v4.ip().octets());
                (libc::AF_INET, Name::V4_BYTES)
            }
            SocketAddr::V6(v6) => {
                bytes[4..8].copy_from_slice(&v6.flowinfo().to_ne_bytes());
                bytes[8..24].copy_from_slice(&v6.ip().octets());
                bytes[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
                (libc::AF_INET6, Name::BYTES)
            }
        };
        bytes[..2].copy_from_slice(&(family as libc::sa_family_t).to_ne_bytes());
        (Name(bytes), length as libc::socklen_t)
    }

    fn addr(&self) -> Option<SocketAddr> {
        addr_of_name(&self.0)
    }
}

/// The socket address in bytes that the kernel wrote; `None` for a family that is neither IPv4 nor IPv6.
pub(crate) fn addr_of_name(name: &[u8]) -> Option<SocketAddr> {
    let family = libc::c_int::from(libc::sa_family_t::from_ne_bytes(*name.first_chunk()?));
    let port = u16::from_be_bytes(*name.get(2..)?.first_chunk()?);
    let word = |at: usize| Some(u32::from_ne_bytes(*name.get(at..)?.first_chunk()?));
    match family {
        libc::AF_INET => {
            let ip: [u8; 4] = *name.get(4..)?.first_chunk()?;
            Some(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::from(ip), port)))
        }
        libc::AF_INET6 => {
            let ip: [u8; 16] = *name.get(8..)?.first_chunk()?;
            Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(ip), port, word(4)?, word(24)?)))
        }
        _ => None,
    }
}

/// Sends up to `BATCH_MAX` datagrams in one call without waiting. Returns how many left; an error is that of the first
/// one, with none sent.
pub(crate) fn send_batch<B: AsRef<[u8]>>(fd: BorrowedFd<'_>, items: &[(SocketAddr, B)]) -> io::Result<usize> {
    let count = items.len().min(BATCH_MAX);
    // SAFETY: these are plain integers and raw pointers, for which zero bytes are valid values.
    let (mut vectors, mut headers): ([libc::iovec; BATCH_MAX], [libc::mmsghdr; BATCH_MAX]) = unsafe { mem::zeroed() };
    let mut names = [Name::empty(); BATCH_MAX];
    for (index, (to, bytes)) in items[..count].iter().enumerate() {
        let bytes = bytes.as_ref();
        let (name, name_bytes) = Name::of(*to);
        names[index] = name;
        vectors[index] = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        headers[index].msg_hdr.msg_name = (&raw mut names[index]).cast();
        headers[index].msg_hdr.msg_namelen = name_bytes;
        headers[index].msg_hdr.msg_iov = &raw mut vectors[index];
        headers[index].msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: `count` headers point at `names` and `vectors`, which live on this stack frame and are not moved before the
    // call returns; the vectors point at `items`, borrowed for the whole call, which sending only reads. The kernel keeps
    // no pointer.
    let sent = check(unsafe {
        libc::sendmmsg(fd.as_raw_fd(), headers.as_mut_ptr(), count as libc::c_uint, libc::MSG_DONTWAIT)
    })?;
    Ok(sent as usize)
}

/// Buffers for one recvmmsg call: `BATCH_MAX` datagrams of `datagram_bytes` each.
pub(crate) struct ReceiveBatch {
    datagram_bytes: usize,
    buffer: Vec<u8>,
    sources: [Option<SocketAddr>; BATCH_MAX],
    lengths: [usize; BATCH_MAX],
}

impl ReceiveBatch {
    pub(crate) fn new(datagram_bytes: usize) -> ReceiveBatch {
        let buffer = vec![0; datagram_bytes * BATCH_MAX];
        ReceiveBatch { datagram_bytes, buffer, sources: [None; BATCH_MAX], lengths: [0; BATCH_MAX] }
    }

    /// Reads what has arrived, without waiting; returns how many datagrams. Longer ones are cut by the kernel.
    pub(crate) fn receive(&mut self, fd: BorrowedFd<'_>) -> io::Result<usize> {
        // SAFETY: these are plain integers and raw pointers, for which zero bytes are valid values.
        let (mut vectors, mut headers): ([libc::iovec; BATCH_MAX], [libc::mmsghdr; BATCH_MAX]) =
            unsafe { mem::zeroed() };
        let mut names = [Name::empty(); BATCH_MAX];
        for (index, chunk) in self.buffer.chunks_exact_mut(self.datagram_bytes).enumerate().take(BATCH_MAX) {
            vectors[index] = libc::iovec { iov_base: chunk.as_mut_ptr().cast(), iov_len: chunk.len() };
            headers[index].msg_hdr.msg_name = (&raw mut names[index]).cast();
            headers[index].msg_hdr.msg_namelen = Name::BYTES as libc::socklen_t;
            headers[index].msg_hdr.msg_iov = &raw mut vectors[index];
            headers[index].msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: all `BATCH_MAX` headers point at names and vectors of this frame, which are not moved before the call
        // returns, and the vectors at disjoint chunks of `self.buffer`, which is borrowed exclusively. The null timeout
        // with MSG_DONTWAIT returns at once. The kernel keeps no pointer.
        let got = check(unsafe {
            libc::recvmmsg(
                fd.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH_MAX as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        })? as usize;
        for index in 0..got {
            self.sources[index] = names[index].addr();
            self.lengths[index] = (headers[index].msg_len as usize).min(self.datagram_bytes);
        }
        Ok(got)
    }

    /// Datagram `index` of the last `receive`; `None` when its sender has no IP address.
    pub(crate) fn datagram(&self, index: usize) -> Option<(SocketAddr, &[u8])> {
        let start = index * self.datagram_bytes;
        Some((self.sources[index]?, &self.buffer[start..start + self.lengths[index]]))
    }
}

/// Asks for a receive buffer of `bytes` (the kernel doubles it for its own book-keeping) and returns what was granted, as
/// the kernel counts it. Past `net.core.rmem_max` only a privileged process gets what it asks; others get the most allowed.
pub(crate) fn set_receive_buffer(fd: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    let asked = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    let size = mem::size_of::<libc::c_int>() as libc::socklen_t;
    let set = |option| {
        // SAFETY: pointer and size describe `asked`, alive for the call, which only reads it.
        check(unsafe { libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const asked).cast(), size) })
    };
    if set(libc::SO_RCVBUFFORCE).is_err() {
        set(libc::SO_RCVBUF)?;
    }
    let mut granted: libc::c_int = 0;
    let mut granted_size = size;
    // SAFETY: both pointers describe variables of this frame, exclusively borrowed; the kernel writes at most
    // `granted_size` bytes.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUF,
            (&raw mut granted).cast(),
            &mut granted_size,
        )
    })?;
    Ok(granted as usize)
}

/// Raises the soft limit of open files to the hard one; returns the limit now in force.
pub(crate) fn raise_file_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid, exclusively borrowed rlimit; the calls keep no pointer.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) != 0 {
            return 0;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
        if limit.rlim_cur < limit.rlim_max && libc::setrlimit(libc::RLIMIT_NOFILE, &raised) == 0 {
            return raised.rlim_cur;
        }
    }
    limit.rlim_cur
}

/// Grows the process's table of file descriptors to `count` places at once, or to the limit in force.
///
/// The kernel doubles the table when it is full and, where threads share it, waits for a grace period of all processors
/// while it does: 10–20 ms in which a shard that binds one more socket would stand still. The table never shrinks.
pub(crate) fn reserve_files(near: BorrowedFd<'_>, count: u64) -> io::Result<()> {
    let highest = libc::c_int::try_from(count.saturating_sub(1)).unwrap_or(libc::c_int::MAX);
    // SAFETY: no pointers; the result is checked before use.
    let fd = check(unsafe { libc::fcntl(near.as_raw_fd(), libc::F_DUPFD_CLOEXEC, highest) })?;
    // SAFETY: `fd` was just made by the kernel and nobody else knows it, so it is open and owned only here; it closes.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    Ok(())
}

/// The processors this thread may run on, in rising order.
pub(crate) fn allowed_cpus() -> Vec<usize> {
    // SAFETY: cpu_set_t is an array of integers, for which zero bytes are a valid value.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: `set` is exclusively borrowed and its true size is given; pid 0 is the calling thread.
    if unsafe { libc::sched_getaffinity(0, mem::size_of::<libc::cpu_set_t>(), &mut set) } != 0 {
        return Vec::new();
    }
    // SAFETY: CPU_ISSET reads one bit of `set`; the index stays below CPU_SETSIZE, the number of its bits.
    (0..libc::CPU_SETSIZE as usize).filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &set) }).collect()
}

/// Ties the calling thread to one processor.
pub(crate) fn pin_to(cpu: usize) -> io::Result<()> {
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // SAFETY: cpu_set_t is an array of integers, for which zero bytes are a valid value.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: `cpu` was checked to be an index of the set's bits.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: `set` lives through the call and its true size is given; pid 0 is the calling thread.
    check(unsafe { libc::sched_setaffinity(0, mem::size_of::<libc::cpu_set_t>(), &set) })?;
    Ok(())
}

/// SCHED_FIFO at `priority` for the calling thread; threads it starts go back to the ordinary class.
pub(crate) fn set_fifo(priority: i32) -> io::Result<()> {
    let parameter = libc::sched_param { sched_priority: priority };
    // SAFETY: `parameter` lives through the call, which only reads it; pid 0 is the calling thread.
    check(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &parameter) })?;
    Ok(())
}

/// Nice value of the calling thread (on Linux `setpriority` with 0 means the thread).
pub(crate) fn set_nice(nice: i32) -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) })?;
    Ok(())
}

/// Lets timers of the calling thread fire at most 1 ns late by choice (the default is 50 µs).
pub(crate) fn tight_timers() {
    // SAFETY: no pointers; the call takes an unsigned long and cannot fail for this option, and if an old kernel refused it
    // the only harm would be the default slack.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) };
}

/// Refuses a system call to the calling thread, for good, with EPERM: what a container's seccomp profile does.
#[cfg(test)]
pub(crate) fn forbid_call(number: libc::c_long) -> io::Result<()> {
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut steps = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0), // the call's number
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, number as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: steps.len() as libc::c_ushort, filter: steps.as_mut_ptr() };
    // SAFETY: plain numbers; sets a flag of this thread.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
    // SAFETY: `program` and the steps it points at live through the call, which copies them.
    check(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) })?;
    Ok(())
}

#[cfg(test)]
mod tests;
