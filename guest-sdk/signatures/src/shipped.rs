//! The recipes that come with Snaphook.

use crate::recipe::Recipe;

/// A file of `providers/`, in parts, each as JSON.
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) recipe: &'static str,
    #[cfg_attr(not(feature = "send"), expect(dead_code, reason = "only the simulator reads it"))]
    pub(crate) send: &'static str,
    #[cfg_attr(not(feature = "send"), expect(dead_code, reason = "only people read it"))]
    pub(crate) texts: &'static str,
}

pub(crate) static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/recipes.rs"));

/// Names of providers, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|file| file.name)
}

/// A provider's recipe, with what it has from the one that it is like; none if there is no such provider.
pub fn recipe(name: &str) -> Option<Recipe> {
    let recipe = read(name)?;
    let Some(like) = &recipe.like else { return Some(recipe) };
    let base = read(like)?;
    Some(Recipe {
        name: recipe.name,
        docs: recipe.docs,
        like: None,
        secret: recipe.secret.or(base.secret),
        secrets: if recipe.secrets.is_empty() { base.secrets } else { recipe.secrets },
        settings: if recipe.settings.is_empty() { base.settings } else { recipe.settings },
        event: recipe.event.or(base.event),
        id: recipe.id.or(base.id),
        schemes: base.schemes,
        handshakes: base.handshakes,
    })
}

fn read(name: &str) -> Option<Recipe> {
    let at = FILES.binary_search_by(|file| file.name.cmp(name)).ok()?;
    Some(serde_json::from_str(FILES[at].recipe).expect("recipes are checked by a test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_read() {
        for file in FILES {
            let read: Result<Recipe, _> = serde_json::from_str(file.recipe);
            let recipe = read.unwrap_or_else(|error| panic!("{}: {error}", file.name));
            assert!(recipe.docs.starts_with("https://"), "{} names no page of its provider", file.name);
            assert!(
                recipe.like.is_some() == recipe.schemes.is_empty(),
                "{} has no scheme of its own or another's",
                file.name
            );
            let whole =
                self::recipe(file.name).unwrap_or_else(|| panic!("{} is like one that is not there", file.name));
            assert!(!whole.schemes.is_empty());
        }
    }
}
