//! What must hold when all writes of a change are through: everything that is named is there, and no limit is passed.

use super::{change::Applying, contents::collect, failure::Result};
use crate::{
    Error,
    registry::{Action, Kind, Written},
};

/// A kind of thing that names another kind.
struct Reference {
    from: Kind,
    to: Kind,
    /// Who names what without its being there, in project ?1.
    dangling: &'static str,
}

const REFERENCES: [Reference; 6] = [
    Reference {
        from: Kind::Route,
        to: Kind::Destination,
        dangling: "SELECT route, destination FROM route_destinations AS named WHERE project = ?1 AND NOT EXISTS
                   (SELECT 1 FROM destinations WHERE project = ?1 AND name = named.destination) ORDER BY route",
    },
    // What destinations name is looked for in their specifications: there are few, and it is seldom.
    Reference {
        from: Kind::Destination,
        to: Kind::Destination,
        dangling: "SELECT name, other FROM
                   (SELECT name, json_extract(spec, '$.failover.to') AS other FROM destinations WHERE project = ?1)
                   AS named WHERE other IS NOT NULL AND NOT EXISTS
                   (SELECT 1 FROM destinations WHERE project = ?1 AND name = named.other) ORDER BY name",
    },
    Reference {
        from: Kind::Destination,
        to: Kind::Secret,
        dangling: "SELECT name, secret FROM
                   (SELECT name, json_extract(spec, '$.sign.secret') AS secret FROM destinations WHERE project = ?1
                    UNION ALL
                    SELECT name, json_extract(spec, '$.client_certificate.key') FROM destinations WHERE project = ?1)
                   AS named WHERE secret IS NOT NULL AND NOT EXISTS
                   (SELECT 1 FROM secrets WHERE project = ?1 AND name = named.secret) ORDER BY name",
    },
    Reference {
        from: Kind::Route,
        to: Kind::Secret,
        dangling: "SELECT route, secret FROM route_secrets AS named WHERE project = ?1 AND NOT EXISTS
                   (SELECT 1 FROM secrets WHERE project = ?1 AND name = named.secret) ORDER BY route",
    },
    Reference {
        from: Kind::Route,
        to: Kind::Module,
        dangling: "SELECT DISTINCT route, 'sha256:' || lower(hex(digest)) FROM
                   (SELECT route, active AS digest FROM attachments WHERE project = ?1
                    UNION ALL SELECT route, candidate FROM attachments WHERE project = ?1 AND candidate IS NOT NULL
                    UNION ALL SELECT route, previous FROM attachments WHERE project = ?1 AND previous IS NOT NULL)
                   AS named WHERE NOT EXISTS
                   (SELECT 1 FROM modules WHERE digest = named.digest AND project = ?1) ORDER BY route",
    },
    Reference {
        from: Kind::Alias,
        to: Kind::Module,
        dangling: "SELECT module || '@' || alias, module || '@' || version FROM aliases AS named WHERE project = ?1
                   AND NOT EXISTS (SELECT 1 FROM modules WHERE project = ?1 AND name = named.module
                                   AND version = named.version) ORDER BY module, alias",
    },
];

/// Something that the change removed.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) kind: Kind,
    /// As it was asked for.
    pub(super) name: String,
    /// As others name it.
    pub(super) named: Vec<String>,
}

/// Looks only for what this change can have broken. What is missing because the change removed it is in use; anything
/// else was never there.
pub(super) fn check(applying: &Applying<'_>, done: &[Written], gone: &[Gone]) -> Result<()> {
    for Reference { from, to, dangling } in &REFERENCES {
        let put = done.iter().any(|written| written.kind == *from && written.action == Action::Put);
        if !put && !gone.iter().any(|gone| gone.kind == *to) {
            continue;
        }
        let mut query = applying.connection.prepare_cached(dangling)?;
        let dangling = collect(query.query([applying.project.as_str()])?, |row| {
            Ok((format!("{} `{}`", from.name(), row.get::<_, String>(0)?), row.get::<_, String>(1)?))
        })?;
        let Some((by, name)) = dangling.first() else { continue };
        let Some(gone) = gone.iter().find(|gone| gone.kind == *to && gone.named.contains(name)) else {
            return Err(Error::Missing { what: format!("{} `{name}`", to.name()), by: by.clone() }.into());
        };
        let what = format!("{} `{}`", to.name(), gone.name);
        let mut by: Vec<String> =
            dangling.iter().filter(|(_, name)| gone.named.contains(name)).map(|(by, _)| by.clone()).collect();
        by.dedup();
        return Err(Error::InUse { what, by }.into());
    }
    Ok(())
}

/// Counts what the change added to.
pub(super) fn check_limits(applying: &Applying<'_>, done: &[Written]) -> Result<()> {
    let limits = applying.limits;
    let counted = [
        (Kind::Project, "projects", "SELECT count(*) FROM projects WHERE ?1 <> ''", limits.projects),
        (Kind::Route, "routes", "SELECT count(*) FROM routes WHERE project = ?1", limits.routes),
        (
            Kind::Destination,
            "destinations",
            "SELECT count(*) FROM destinations WHERE project = ?1",
            limits.destinations,
        ),
        (Kind::Secret, "secrets", "SELECT count(*) FROM secrets WHERE project = ?1", limits.secrets),
        (
            Kind::Module,
            "versions of modules",
            "SELECT count(*) FROM modules WHERE project = ?1",
            limits.module_versions,
        ),
        (Kind::Alias, "aliases", "SELECT count(*) FROM aliases WHERE project = ?1", limits.aliases),
    ];
    for (kind, what, sql, most) in counted {
        if !done.iter().any(|written| written.kind == kind && written.action == Action::Put) {
            continue;
        }
        let mut query = applying.connection.prepare_cached(sql)?;
        let count: u64 = query.query_row([applying.project.as_str()], |row| row.get(0))?;
        if count > most {
            let what = if kind == Kind::Project {
                what.to_owned()
            } else {
                format!("{what} in project `{}`", applying.project)
            };
            return Err(Error::Limit { what, most }.into());
        }
    }
    Ok(())
}
