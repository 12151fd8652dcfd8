//! What time a process believes it is: the `Date` header of its answers (RFC 9110, section 6.6.1).

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// An answer of a process that lives.
const DEADLINE: Duration = Duration::from_secs(2);

const DAY_SECONDS: i64 = 86_400;

/// The second of the day that the process at an operations port believes it is.
///
/// # Errors
/// When it does not answer, or not with a date.
pub(crate) async fn second_of_day(ops: SocketAddr) -> io::Result<i64> {
    let asked = async {
        let mut stream = TcpStream::connect(ops).await?;
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        date_of(&answer).ok_or_else(|| io::Error::other("an answer without a date"))
    };
    timeout(DEADLINE, asked).await?
}

/// How many seconds one clock is ahead of another, the shorter way round the day.
pub(crate) const fn ahead(clock: i64, of: i64) -> i64 {
    (clock - of + DAY_SECONDS + DAY_SECONDS / 2) % DAY_SECONDS - DAY_SECONDS / 2
}

/// `date: Sun, 06 Nov 1994 08:49:37 GMT`
fn date_of(answer: &str) -> Option<i64> {
    let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with("date:"))?;
    let time = line.split_ascii_whitespace().rev().nth(1)?;
    let mut parts = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Some(hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_and_compared_round_midnight() {
        let answer = "HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        assert_eq!(date_of(answer), Some(8 * 3_600 + 49 * 60 + 37));
        assert_eq!(date_of("HTTP/1.1 200 OK\r\n\r\n"), None);
        assert_eq!([ahead(3_700, 100), ahead(100, 3_700)], [3_600, -3_600]);
        assert_eq!([ahead(1_800, 84_600), ahead(84_600, 1_800)], [3_600, -3_600]);
    }
}
