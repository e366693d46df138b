//! What is served now, to take over from it whatever a change leaves as it is: with a filter stay its instances, its
//! breaker and its keys, and a change of one route costs what one route costs.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use delivery::Ready;
use filters::Filter;
use model::{Attachment, Digest, Name};
use store::registry::{self, Contents, Project, Route};

use crate::snapshot::{Served, Snapshot};

/// The snapshot before and what it was built from.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) contents: &'a Contents,
    pub(super) snapshot: &'a Snapshot,
}

/// One project in it.
pub(super) struct ProjectBefore<'a> {
    name: &'a Name,
    snapshot: &'a Snapshot,
    routes: HashMap<&'a str, &'a Route>,
    /// What has another value now, is new or is gone. What stays the same has another revision at times: nothing is compared
    /// by revision.
    changed_destinations: HashSet<&'a Name>,
    changed_secrets: HashSet<&'a Name>,
}

impl<'a> Before<'a> {
    /// Of the project that is `now` so.
    pub(super) fn project(self, name: &'a Name, now: &'a Project) -> ProjectBefore<'a> {
        let project = self.contents.projects.get(name);
        let routes = project.iter().flat_map(|project| &project.routes);
        ProjectBefore {
            name,
            snapshot: self.snapshot,
            routes: routes.map(|route| (route.record.name.as_str(), route)).collect(),
            changed_destinations: differing(
                project.iter().flat_map(|project| &project.destinations).map(|known| (&known.name, &known.spec)),
                now.destinations.iter().map(|known| (&known.name, &known.spec)),
            ),
            changed_secrets: differing(
                project.iter().flat_map(|project| &project.secrets).map(|known| (&known.name, &known.values)),
                now.secrets.iter().map(|known| (&known.name, &known.values)),
            ),
        }
    }
}

impl ProjectBefore<'_> {
    /// The route as it is served, if all that it is made of is as it was.
    pub(super) fn route(&self, now: &Route) -> Option<&Arc<Served>> {
        let before = self.routes.get(now.record.name.as_str())?;
        let same = before.record.spec == now.record.spec
            && before.record.resolutions == now.record.resolutions
            && before.prepared == now.prepared;
        let served = self.snapshot.named(self.name, &now.record.name.parse().ok()?).filter(|_| same)?;
        let mut destinations = served.route.mode.destinations().iter();
        let stays = !destinations.any(|name| self.changed_destinations.contains(name))
            && served.route.attachments().all(|filter| self.keeps_secrets(filter));
        stays.then_some(served)
    }

    /// The destination as it is served, if all that it is made of is as it was.
    pub(super) fn destination(&self, now: &registry::Destination) -> Option<&Arc<Ready>> {
        let served = self.snapshot.destination(self.name, &now.name)?;
        let changed = |name: &str| self.changed_secrets.iter().any(|known| known.as_str() == name);
        let same = !self.changed_destinations.contains(&now.name) && !now.spec.secrets().any(changed);
        same.then_some(served)
    }

    /// The filter of the route that is made of the same, as active version or as the one before.
    pub(super) fn filter(
        &self,
        route: &Name,
        attachment: &Attachment,
        module: &Digest,
        prepared: &Bytes,
    ) -> Option<Arc<Filter>> {
        let served = self.snapshot.named(self.name, route)?;
        let mut attached = served.route.attachments().zip(served.versions());
        let (_, versions) = attached.find(|(known, _)| is_same(known, attachment) && self.keeps_secrets(known))?;
        versions.all().find(|filter| filter.runs(module, prepared)).cloned()
    }

    fn keeps_secrets(&self, filter: &Attachment) -> bool {
        let mut secrets = filter.grants.secrets.values().chain(filter.grants.reveal.values());
        !secrets.any(|name| self.changed_secrets.contains(name))
    }
}

/// Whether a filter would be made in the same way. Which modules it runs is compared by what the references came to.
fn is_same(known: &Attachment, now: &Attachment) -> bool {
    let Attachment { name, module: _, candidate: _, mode: _, instance, config, grants, limits, on_failure } = now;
    (name, instance, config) == (&known.name, &known.instance, &known.config)
        && (grants, limits, on_failure) == (&known.grants, &known.limits, &known.on_failure)
}

/// Names of what is in only one of the two, or differs.
fn differing<'a, T: PartialEq + 'a>(
    before: impl Iterator<Item = (&'a Name, &'a T)>,
    now: impl Iterator<Item = (&'a Name, &'a T)>,
) -> HashSet<&'a Name> {
    let mut before: HashMap<&Name, &T> = before.collect();
    let mut differing: HashSet<&Name> =
        now.filter(|(name, value)| before.remove(name) != Some(*value)).map(|(name, _)| name).collect();
    differing.extend(before.into_keys());
    differing
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::control::{Author, Control, Older, Wish, Write, fixture};

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    async fn change(control: &Control, dry_run: bool, write: Write) {
        let author = Author { project: name("default"), actor: "test".to_owned(), dry_run };
        control.change(&author, vec![Wish::from(write)]).await.unwrap();
    }

    fn destination(named: &str, url: &str) -> Write {
        Write::PutDestination { name: name(named), spec: serde_json::from_value(json!({ "url": url })).unwrap() }
    }

    fn route(named: &str, spec: &Value) -> Write {
        let mut whole = json!({ "match": { "path": format!("/{named}") }, "forward": { "candidates": [named] } });
        whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        Write::PutRoute { name: name(named), spec: serde_json::from_value(whole).unwrap() }
    }

    /// The routes `a` and `b` as they are served.
    fn served(control: &Control) -> [Arc<Served>; 2] {
        let snapshot = control.current.load();
        ["a", "b"].map(|route| Arc::clone(snapshot.named(&name("default"), &name(route)).unwrap()))
    }

    #[tokio::test]
    async fn only_what_is_changed_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let control = fixture::open(folder.path()).await;
        for write in [
            destination("a", "https://a.example/"),
            destination("b", "https://b.example/"),
            route("a", &json!({})),
            route("b", &json!({})),
        ] {
            change(&control, false, write).await;
        }
        let secret =
            Write::PutSecret { name: name("hook"), value: model::Secret::new(b"x".to_vec()), older: Older::Drop };
        for (write, a_stays, b_stays) in [
            (secret, true, true),
            (destination("c", "https://c.example/"), true, true),
            (route("a", &json!({})), true, true),
            (route("a", &json!({ "acknowledgement": 204 })), false, true),
            (destination("b", "https://b.example/"), true, true),
            (destination("b", "https://elsewhere.example/"), true, false),
            (Write::RemoveDestination { name: name("c") }, true, true),
        ] {
            let told = format!("{write:?}");
            let [a, b] = served(&control);
            change(&control, true, write.clone()).await;
            let tried = served(&control);
            assert!(Arc::ptr_eq(&a, &tried[0]) && Arc::ptr_eq(&b, &tried[1]), "tried: {told}");
            change(&control, false, write).await;
            let now = served(&control);
            assert_eq!([Arc::ptr_eq(&a, &now[0]), Arc::ptr_eq(&b, &now[1])], [a_stays, b_stays], "{told}");
        }
        assert_eq!(served(&control)[0].route.acknowledgement, 204);
    }

    #[test]
    fn what_differs_is_found() {
        let (a, b, c, d) = (name("a"), name("b"), name("c"), name("d"));
        let before = [(&a, &1), (&b, &2), (&c, &3)];
        let now = [(&b, &2), (&c, &4), (&d, &5)];
        assert_eq!(differing(before.into_iter(), now.into_iter()), [&a, &c, &d].into());
    }
}
