//! How the call of a script is written and sent.

use std::fmt;

use redis::{
    Cmd, FromRedisValue, RedisResult, RedisWrite, Script, ToRedisArgs, ToSingleRedisArg,
    aio::MultiplexedConnection,
};

/// The beginning of a script's call.
pub(super) fn call(script: &Script, arguments: usize, bytes: usize) -> Cmd {
    let mut command = Cmd::with_capacity(arguments, bytes);
    command.arg("EVALSHA").arg(script.get_hash());
    command
}

pub(super) async fn query<T: FromRedisValue>(
    command: &Cmd,
    connection: &mut MultiplexedConnection,
) -> RedisResult<T> {
    command.query_async(connection).await
}

/// Writes a value's text into a command without a `String` of its own.
pub(super) struct Text<T>(pub(super) T);

impl<T: fmt::Display> ToRedisArgs for Text<T> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        out.write_arg_fmt(&self.0);
    }
}

impl<T: fmt::Display> ToSingleRedisArg for Text<T> {}
