use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;

const MAX_BYTES: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
/// The buffers in which the systems of both sides keep what is not read: small, and not made larger by the system.
const SYSTEM_BUFFER_BYTES: u32 = 8 * 1024;
/// A ping of a client with the longest payload; the masking key is of zeros.
const PING: [u8; 131] = {
    let mut ping = [b'x'; 131];
    ping[0] = 0x89;
    ping[1] = 0x80 | 125;
    let mut at = 2;
    while at < 6 {
        ping[at] = 0;
        at += 1;
    }
    ping
};
const PONG_BYTES: usize = 2 + 125;

/// A socket and its client.
async fn pair() -> (Socket, TcpStream) {
    let listening = TcpSocket::new_v4().unwrap();
    listening.set_send_buffer_size(SYSTEM_BUFFER_BYTES).unwrap();
    listening.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener: TcpListener = listening.listen(1).unwrap();
    let client = TcpSocket::new_v4().unwrap();
    client.set_recv_buffer_size(SYSTEM_BUFFER_BYTES).unwrap();
    let client = client.connect(listener.local_addr().unwrap());
    let (accepted, client) = tokio::join!(listener.accept(), client);
    (Socket::over(accepted.unwrap().0, Bytes::new(), MAX_BYTES), client.unwrap())
}

/// A frame that no system takes whole.
fn large() -> WireFrame {
    WireFrame::text(&"x".repeat(4 << 20))
}

/// Writes until the client takes no more; answers how many bytes left.
async fn fill(socket: &mut Socket, queue: &mut VecDeque<WireFrame>) -> usize {
    const NOTHING_MORE: Duration = Duration::from_millis(200);
    let mut written = 0;
    loop {
        let writing = std::future::poll_fn(|context| socket.poll_write(context, queue));
        match tokio::time::timeout(NOTHING_MORE, writing).await {
            Ok(more) => written += more.unwrap(),
            Err(_) => return written,
        }
    }
}

/// Reads up to the end of the connection; answers how many bytes came.
async fn read_out(client: &mut TcpStream) -> usize {
    let mut read = Vec::new();
    // The end may be a reset.
    let ended = tokio::time::timeout(PATIENCE, client.read_to_end(&mut read)).await;
    drop(ended.expect("an end of the connection"));
    read.len()
}

/// A client that pings and reads nothing: what waits for it is the answer to its last ping, however many there were.
#[tokio::test]
async fn pings_whose_answers_nobody_reads_are_answered_once() {
    const PINGS: usize = 10_000;
    let (mut socket, mut client) = pair().await;
    let pings = async {
        for _ in 0..PINGS {
            client.write_all(&PING).await.unwrap();
        }
    };
    let reads = async {
        for number in 0..PINGS {
            assert!(matches!(socket.next().await, Ok(Incoming::Other)), "{number}");
        }
    };
    tokio::time::timeout(PATIENCE, async { tokio::join!(pings, reads) }).await.expect("every ping is read");
    assert!(socket.owes_pong(), "the client reads nothing");
    // What the systems of both sides took, and the last one.
    let close = socket.close(Close::TooManyFrames, VecDeque::new(), Instant::now() + PATIENCE);
    let reads = async {
        let read = read_out(&mut client).await;
        drop(client);
        read
    };
    let (read, ()) = tokio::join!(reads, close);
    let (pongs, all) = (read / PONG_BYTES, PINGS * PONG_BYTES);
    assert!(pongs > 0 && read < all / 4, "{pongs} pongs, {read} of {all} bytes");
}

/// A pong never stands within another frame.
#[tokio::test]
async fn a_pong_waits_for_the_end_of_a_frame_that_is_half_written() {
    let (mut socket, mut client) = pair().await;
    let mut queue = VecDeque::from([large()]);
    fill(&mut socket, &mut queue).await;
    assert!(socket.offset > 0, "a frame is half written");
    client.write_all(&PING).await.unwrap();
    // A socket is read, too, while its client takes nothing.
    let ping = tokio::time::timeout(PATIENCE, socket.next()).await.expect("the ping is read");
    assert!(matches!(ping, Ok(Incoming::Other)));
    let close = socket.close(Close::Restart, queue, Instant::now() + PATIENCE);
    let reads = async {
        let mut reader = frames_of(&mut client).await;
        drop(client);
        assert_eq!(reader.pop().map(|(opcode, _)| opcode), Some(0x88), "the close is the last");
        reader
    };
    let (frames, ()) = tokio::join!(reads, close);
    let pongs: Vec<_> = frames.iter().filter(|(first, _)| *first == 0x8a).collect();
    assert_eq!(pongs.len(), 1);
    assert_eq!(pongs[0].1, [b'x'; 125]);
    assert!(frames.iter().all(|(first, _)| matches!(first, 0x81 | 0x8a)), "frames are whole");
}

/// The frames of a server up to the end of the connection: the first byte of each, and its payload.
async fn frames_of(client: &mut TcpStream) -> Vec<(u8, Vec<u8>)> {
    let mut bytes = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, client.read_to_end(&mut bytes)).await;
    drop(ended.expect("an end of the connection"));
    let mut rest = bytes.as_slice();
    let mut frames = Vec::new();
    while let [first, length, after @ ..] = rest {
        let (length, payload) = match *length {
            126 => (usize::from(u16::from_be_bytes(*after.first_chunk().unwrap())), &after[2..]),
            127 => (u64::from_be_bytes(*after.first_chunk().unwrap()) as usize, &after[8..]),
            short => (usize::from(short), after),
        };
        frames.push((*first, payload[..length].to_vec()));
        rest = &payload[length..];
    }
    frames
}

/// The connection of a client that reads nothing is cut in time, and the system keeps nothing of what was written to it.
#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off() {
    const UNTIL: Duration = Duration::from_millis(500);
    let (mut socket, mut client) = pair().await;
    let mut queue = VecDeque::from([large()]);
    let written = fill(&mut socket, &mut queue).await;
    let started = Instant::now();
    socket.close(Close::Revoked, queue, started + UNTIL).await;
    let took = started.elapsed();
    assert!(took >= UNTIL && took < UNTIL * 4, "cut after {took:?}");
    // Only what had reached the client's own system is left.
    let read = read_out(&mut client).await;
    assert!(read < written, "{read} of {written} bytes were kept for a client that did not read");
}

/// The same where all was written, and the client neither reads it nor hangs up.
#[tokio::test]
async fn a_client_that_does_not_hang_up_is_cut_off() {
    const UNTIL: Duration = Duration::from_millis(300);
    let (socket, mut client) = pair().await;
    let started = Instant::now();
    socket.close(Close::Revoked, VecDeque::new(), started + UNTIL).await;
    assert!(started.elapsed() >= UNTIL);
    // The close has come, and then the reset.
    let mut close = [0; 4];
    client.read_exact(&mut close).await.unwrap();
    assert_eq!(close[..1], [0x88]);
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest).await;
    // A connection that was ended in order would take what is written, once.
    assert!(client.write_all(b"x").await.is_err(), "the connection is still there");
}
