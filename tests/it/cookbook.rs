//! The cookbook: the cases of each recipe as `snaphook test` runs them, the same events through a host to a destination,
//! and the page that shows the recipes.

mod recipe;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use model::event_file::Parts;
use serde_json::Value;
use signatures::send::{self, Sent, Signer};
use tempfile::TempDir;

use crate::{
    support::{Answer, Destination, Platform, Program, Received, repository, snaphook},
    workbench::Bench,
};
use recipe::{Case, Recipe};

/// Recipes whose filters `cargo guests` builds; the others need the build tools of their languages.
fn compiled() -> Vec<Recipe> {
    recipe::all().into_iter().filter(|recipe| !is_scripted(recipe)).collect()
}

fn is_scripted(recipe: &Recipe) -> bool {
    recipe.code().is_some_and(|code| code.language != "rust")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_comes_out() {
    cases_come_out(&compiled()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_goes_where_its_recipe_says() {
    events_arrive(&compiled()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`cargo languages` builds these filters, and runs this"]
async fn scripted_recipes_do_as_well() {
    let recipes: Vec<Recipe> = recipe::all().into_iter().filter(is_scripted).collect();
    assert!(recipes.len() >= 6);
    cases_come_out(&recipes).await;
    events_arrive(&recipes).await;
}

async fn cases_come_out(recipes: &[Recipe]) {
    for recipe in recipes {
        let bench = Bench::new();
        for file in std::fs::read_dir(recipe.folder.join("cases")).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.file_name().unwrap().to_str().unwrap();
            bench.write(&format!("cases/{name}"), std::fs::read(&file).unwrap());
        }
        let mut defaults = recipe.defaults.clone();
        recipe::make_patient(&mut defaults["limits"]);
        bench.write("cases/defaults.toml", toml::to_string(&defaults).unwrap());
        let component = recipe.component();
        let (shown, _) = bench.runs(&["test", component.to_str().unwrap(), "--runs", "3"], 0).await;
        let count = recipe.cases.len();
        assert!(count >= 2 && shown.ends_with(&format!("{count} cases: {count} passed, 0 failed\n")), "{shown}");
    }
}

async fn events_arrive(recipes: &[Recipe]) {
    let platform = Platform::start().await;
    let mut done = Vec::new();
    for recipe in recipes {
        let mut kitchen = Kitchen::of(recipe, &platform).await;
        let mut sent = 0;
        for case in recipe.cases.iter().filter(|case| case.can_be_sent()) {
            kitchen.serve(case).await;
            sent += 1;
        }
        assert!(sent > 0, "{}: no case can be sent", recipe.name);
        if recipe.verifies().is_some() && !recipe.is_about_senders() {
            kitchen.post(&recipe.cases[0].event()).await.expect(401);
        }
        done.push(kitchen);
    }
    // Whatever should have gone nowhere had its time.
    for kitchen in done {
        assert_eq!(kitchen.destination.received().len(), kitchen.expected, "{}", kitchen.recipe.name);
    }
    platform.stop().await;
}

/// A recipe on a host, with what its destinations get.
struct Kitchen<'a> {
    recipe: &'a Recipe,
    platform: &'a Platform,
    destination: Destination,
    /// How many events should have arrived.
    expected: usize,
    secret: String,
}

impl<'a> Kitchen<'a> {
    async fn of(recipe: &'a Recipe, platform: &'a Platform) -> Self {
        let destination = Destination::ok().await;
        let secret = match recipe.defaults["secrets"]["secret"].as_str() {
            Some(secret) => secret.to_owned(),
            None => how_it_signs(recipe).map_or(String::new(), |how| send::secret_for(&how.schemes[0], "right")),
        };
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("route.toml");
        std::fs::write(&file, recipe.applied_to(&destination.url(""))).unwrap();
        let apply = operate(platform, &["apply", file.to_str().unwrap()]);
        let variables = recipe.variables();
        variables.iter().fold(apply, |apply, name| apply.env(name, &secret)).printed().await;
        Self { recipe, platform, destination, expected: 0, secret }
    }

    /// Sends the case's event, and looks at all that comes of it.
    async fn serve(&mut self, case: &Case) {
        let what = format!("{}/{}", self.recipe.name, case.name);
        let mut event = case.event();
        if !self.recipe.is_about_senders() || case.verdict() != "reject" {
            self.sign(&mut event, &self.secret);
        }
        for _ in 1..case.times() {
            assert!((200..300).contains(&self.post(&event).await.status), "{what}: the times before are accepted");
            self.expected += 1;
        }
        self.destination.reached(self.expected).await;
        let answer = self.post(&event).await;
        let record = self.platform.record(&answer).await;
        assert_eq!(u64::from(answer.status), self.recipe.status(case), "{what}: {record}");
        let values = |name: &str| answer.headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect();
        compare(&what, &case.expect()["answer"], values, &answer.body);
        let arrivals = self.recipe.arrivals(case);
        self.destination.reached(self.expected + arrivals.len()).await;
        let mut came = self.destination.received().split_off(self.expected);
        self.expected += arrivals.len();
        came.sort_by(|one, other| one.target.cmp(&other.target));
        let targets: Vec<&str> = came.iter().map(|received| received.target.as_str()).collect();
        assert_eq!(targets, arrivals, "{what}");
        for received in &came {
            let values = |name: &str| received.values(name).into_iter().map(<[u8]>::to_vec).collect();
            compare(&what, &case.expect()["event"], values, &received.body);
            assert!(case.verdict() != "pass" || received.body == event.body, "{what}: {}", received.text());
        }
    }

    /// As the sender whom the recipe expects does, now; not at all if it expects none.
    fn sign(&self, event: &mut Parts, secret: &str) {
        let Some(how) = how_it_signs(self.recipe) else { return };
        let headers = event.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
        let url = format!("https://hooks.example.com{}", event.path);
        let mut sent = Sent { method: event.method.to_string(), url, headers, body: event.body.to_vec() };
        let now = model::Timestamp::now().as_millis();
        let signer = Signer { secret, private: None, settings: &BTreeMap::new(), now };
        send::sign_by(&how, &how.schemes[0], &signer, &mut sent).unwrap();
        for (name, value) in sent.headers {
            let name: http::HeaderName = name.parse().unwrap();
            event.headers.insert(name, value.try_into().unwrap());
        }
    }

    async fn post(&self, event: &Parts) -> Answer {
        let query = event.query.as_ref().map_or(String::new(), |query| format!("?{query}"));
        let url = format!("http://{}{}{query}", self.platform.gateway(), event.path);
        let mut request = Request::builder().method(event.method.clone()).uri(url);
        request.headers_mut().unwrap().extend(event.headers.clone());
        self.platform.ask(request.body(Bytes::clone(&event.body).into()).unwrap()).await
    }
}

fn operate(platform: &Platform, arguments: &[&str]) -> Program {
    Program::new(snaphook())
        .args(arguments)
        .env("SNAPHOOK_ADMIN", format!("http://{}", platform.admin()))
        .env("SNAPHOOK_TOKEN", platform.token())
}

/// None if anybody may send.
fn how_it_signs(recipe: &Recipe) -> Option<signatures::Recipe> {
    let config = &recipe.verifies()?["config"];
    Some(match config["provider"].as_str().unwrap() {
        "custom" => serde_json::from_value(config["recipe"].clone()).unwrap(),
        provider => signatures::recipe(provider).unwrap(),
    })
}

/// Headers and body, as far as the case says something of them.
#[track_caller]
fn compare(what: &str, expected: &Value, values: impl Fn(&str) -> Vec<Vec<u8>>, body: &[u8]) {
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        let right: Vec<Vec<u8>> = value.as_str().map(|value| value.as_bytes().to_vec()).into_iter().collect();
        assert!(value.is_string() || value == false, "{what}: {name}: this is not compared: {value}");
        assert_eq!(values(name), right, "{what}: {name}");
    }
    if let Some(text) = expected["body_text"].as_str() {
        assert_eq!(str::from_utf8(body).unwrap(), text, "{what}");
    }
    if let Some(text) = expected["body_json"].as_str() {
        let [came, right] = [body, text.as_bytes()].map(|text| serde_json::from_slice::<Value>(text).unwrap());
        assert_eq!(came, right, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_rotated_without_a_refusal() {
    let recipe = compiled().into_iter().find(|recipe| recipe.name == "two-secrets").unwrap();
    let platform = Platform::start().await;
    let kitchen = Kitchen::of(&recipe, &platform).await;
    let signed = |secret: &str| {
        let mut event = recipe.cases.iter().find(|case| case.name == "signed").unwrap().event();
        kitchen.sign(&mut event, secret);
        event
    };
    let (old, new) = (signed(&kitchen.secret), signed("the next one"));
    kitchen.post(&old).await.expect(200);
    kitchen.post(&new).await.expect(401);
    let set = |more: &[&str]| {
        operate(&platform, &[&["secret", "set", "github", "--env", "NEW_SECRET"], more].concat())
            .env("NEW_SECRET", "the next one")
    };
    set(&["--keep-previous"]).printed().await;
    kitchen.post(&old).await.expect(200);
    kitchen.post(&new).await.expect(200);
    set(&[]).printed().await;
    kitchen.post(&old).await.expect(401);
    kitchen.post(&new).await.expect(200);
    let came: Vec<Received> = kitchen.destination.received();
    assert_eq!(came.len(), 4);
    platform.stop().await;
}

/// What the cases are run with is what the route has.
#[test]
fn cases_are_about_the_route() {
    for recipe in recipe::all() {
        let (filter, defaults, name) = (recipe.filter(), &recipe.defaults, &recipe.name);
        assert_eq!(defaults["config"], filter["config"], "{name}: config");
        assert_eq!(defaults["limits"], filter["limits"], "{name}: limits");
        assert_eq!(defaults["destinations"], Value::from(recipe.destinations()), "{name}: destinations");
        let names = |table: &Value| table.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let secrets: Vec<String> = names(&defaults["secrets"]);
        assert_eq!(secrets, names(&filter["grants"]["secrets"]), "{name}: secrets");
        let namespaces: Vec<String> = names(&defaults["kv"]);
        let granted = filter["grants"]["kv"].as_array().into_iter().flatten();
        assert_eq!(namespaces, granted.map(|name| name.as_str().unwrap()).collect::<Vec<_>>(), "{name}: kv");
    }
}

#[test]
fn the_page_shows_each_recipe_as_it_is() {
    let page = std::fs::read_to_string(repository().join("docs/cookbook.md")).unwrap();
    let recipes = recipe::all();
    assert!(recipes.len() >= 16);
    let mut blocks = 0;
    for recipe in &recipes {
        let name = &recipe.name;
        assert!(page.contains(&format!("(../examples/cookbook/{name})")), "the page has no link to {name}");
        let route = std::fs::read_to_string(recipe.folder.join("route.toml")).unwrap();
        let mut written = vec![("toml", "route.toml", route)];
        written.extend(recipe.code().map(|code| (code.language, "filter", code.text)));
        for (language, file, text) in written {
            let block = format!("\n```{language}\n{text}```\n");
            assert!(page.contains(&block), "docs/cookbook.md does not show {name}/{file} as it is");
            blocks += 1;
        }
    }
    let shown = ["toml", "rust", "js", "python"].map(|language| page.matches(&format!("\n```{language}\n")).count());
    assert_eq!(shown.iter().sum::<usize>(), blocks, "docs/cookbook.md shows code that no recipe has");
}
