//! A Snaphook filter: refuses events without a token, and greets the others.

use snaphook_sdk::prelude::*;

struct {{type}};

impl Filter for {{type}} {
    type Config = ();

    fn handle(event: &Event, _config: &()) -> Result<Verdict> {
        event.header("x-token").or_refuse(401, "no token")?;
        Ok(Verdict::edit().set_header("x-hello", "world"))
    }
}

// A filter that looks at the body leaves `body: none` out.
snaphook_sdk::export!({{type}}, body: none);

#[cfg(test)]
mod tests {
    use snaphook_sdk::testing::Test;

    use super::{{type}};

    #[test]
    fn greets_who_has_a_token() {
        let outcome = Test::new::<{{type}}>().event(include_str!("../events/example.json")).run();
        assert_eq!(outcome.event().header("x-hello"), Some("world"));
    }

    #[test]
    fn refuses_who_has_none() {
        let outcome = Test::new::<{{type}}>().run();
        assert_eq!((outcome.status(), outcome.reason()), (Some(401), "no token"));
    }
}
