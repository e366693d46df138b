//! Refuses events without a token and greets the others.

use snaphook_sdk::prelude::*;

struct Hello;

impl Filter for Hello {
    type Config = ();

    fn handle(event: &Event, _config: &()) -> Result<Verdict> {
        event.header("x-token").or_refuse(401, "no token")?;
        Ok(Verdict::edit().set_header("x-hello", "world"))
    }
}

snaphook_sdk::export!(Hello, body: none);

#[cfg(test)]
mod tests {
    use snaphook_sdk::testing::Test;

    use super::Hello;

    #[test]
    fn greets_who_has_a_token() {
        let outcome = Test::new::<Hello>().header("x-token", "1").run();
        assert_eq!(outcome.event().header("x-hello"), Some("world"));
    }

    #[test]
    fn refuses_who_has_none() {
        let outcome = Test::new::<Hello>().run();
        assert_eq!((outcome.status(), outcome.reason()), (Some(401), "no token"));
    }
}
