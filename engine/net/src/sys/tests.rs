use super::*;
use std::io::{Read, Write};
use std::net::UdpSocket;
use std::os::fd::AsFd;

#[test]
fn addresses_survive_the_kernels_form() {
    for text in ["127.0.0.1:5060", "255.254.253.252:65535", "[2001:db8::1]:20000", "[fe80::1%3]:7"] {
        let addr: SocketAddr = text.parse().unwrap();
        let (name, length) = Name::of(addr);
        assert_eq!(name.addr(), Some(addr));
        // What the standard library and libc say of the sizes is what the kernel is told.
        let size =
            if addr.is_ipv4() { mem::size_of::<libc::sockaddr_in>() } else { mem::size_of::<libc::sockaddr_in6>() };
        assert_eq!(length as usize, size);
        assert_eq!(addr_of_name(&name.0[..length as usize]), Some(addr));
        assert_eq!(addr_of_name(&name.0[..length as usize - 13]), None, "cut short");
    }
    let (mut unix, _) = Name::of("127.0.0.1:1".parse().unwrap());
    unix.0[..2].copy_from_slice(&(libc::AF_UNIX as libc::sa_family_t).to_ne_bytes());
    assert_eq!(unix.addr(), None);
}

#[test]
fn a_batch_arrives_whole_and_in_order() {
    let (a, b) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let to = b.local_addr().unwrap();
    // More than one call's worth, of all lengths, the empty datagram too.
    let items: Vec<(SocketAddr, Vec<u8>)> = (0..100u8).map(|n| (to, vec![n; usize::from(n)])).collect();
    let mut sent = 0;
    while sent < items.len() {
        sent += send_batch(a.as_fd(), &items[sent..]).unwrap();
    }
    let mut batch = ReceiveBatch::new(90);
    let mut seen = 0u8;
    while seen < 100 {
        for index in 0..batch.receive(b.as_fd()).unwrap() {
            let (source, bytes) = batch.datagram(index).unwrap();
            assert_eq!(source, a.local_addr().unwrap());
            assert_eq!(bytes, vec![seen; usize::from(seen).min(90)], "longer than the buffer is cut, not lost");
            seen += 1;
        }
    }
    let empty = batch.receive(b.as_fd()).unwrap_err();
    assert_eq!(empty.kind(), io::ErrorKind::WouldBlock, "nothing left is not waited for");
}

#[test]
fn a_batch_error_is_that_of_its_first_datagram() {
    let a = UdpSocket::bind("127.0.0.1:0").unwrap();
    let good = a.local_addr().unwrap();
    let bad: SocketAddr = "127.0.0.1:0".parse().unwrap();
    assert_eq!(send_batch(a.as_fd(), &[(good, [1u8]), (bad, [2]), (good, [3])]).unwrap(), 1);
    assert!(send_batch(a.as_fd(), &[(bad, [2u8]), (good, [3])]).is_err());
    assert_eq!(send_batch::<[u8; 1]>(a.as_fd(), &[]).unwrap(), 0);
}

#[test]
fn epoll_names_sockets_until_they_are_read() {
    let epoll = Epoll::new().unwrap();
    let sockets: Vec<UdpSocket> = (0..3).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    for (token, socket) in sockets.iter().enumerate() {
        socket.set_nonblocking(true).unwrap();
        epoll.add(socket.as_fd(), token as u64 + 70).unwrap();
    }
    let mut list = ReadyList::new(8);
    assert_eq!(epoll.ready(&mut list).unwrap(), 0);
    sockets[0].send_to(b"x", sockets[2].local_addr().unwrap()).unwrap();
    assert_eq!(epoll.ready(&mut list).unwrap(), 1);
    assert_eq!(list.token(0), 72);
    sockets[2].recv_from(&mut [0; 4]).unwrap();
    assert_eq!(epoll.ready(&mut list).unwrap(), 0);
}

#[test]
fn an_eventfd_ends_the_sleep() {
    let mut event = eventfd().unwrap();
    assert!(!wait_readable(event.as_fd(), 1_000));
    event.write_all(&1u64.to_ne_bytes()).unwrap();
    // A lost wake-up would hang the test here (an hour), which the harness reports.
    assert!(wait_readable(event.as_fd(), 3_600_000_000_000));
    let mut taken = [0; 8];
    event.read_exact(&mut taken).unwrap();
    assert!(!wait_readable(event.as_fd(), 1_000), "reading resets it");
}

#[test]
fn receive_buffer_is_granted_at_least_in_part() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // The kernel doubles what it grants; 16 KiB is below every default limit.
    assert!(set_receive_buffer(socket.as_fd(), 16 * 1024).unwrap() >= 16 * 1024);
    assert!(set_receive_buffer(socket.as_fd(), usize::MAX).unwrap() >= 64 * 1024);
}

#[test]
fn pinning_keeps_to_what_is_allowed() {
    std::thread::spawn(|| {
        let allowed = allowed_cpus();
        let last = *allowed.last().unwrap();
        pin_to(last).unwrap();
        assert_eq!(allowed_cpus(), [last]);
        assert!(pin_to(usize::MAX).is_err());
    })
    .join()
    .unwrap();
}

#[test]
fn room_for_descriptors_is_made_without_keeping_one() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let limit = raise_file_limit();
    assert!(limit >= 256);
    reserve_files(socket.as_fd(), limit).unwrap();
    assert!(!std::path::Path::new(&format!("/proc/self/fd/{}", limit - 1)).exists(), "it was closed again");
    assert!(reserve_files(socket.as_fd(), limit + 1).is_err());
}
