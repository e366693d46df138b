/// <reference path="./interfaces/snaphook-filter-body.d.ts" />
/// <reference path="./interfaces/snaphook-filter-clock.d.ts" />
/// <reference path="./interfaces/snaphook-filter-config.d.ts" />
/// <reference path="./interfaces/snaphook-filter-crypto.d.ts" />
/// <reference path="./interfaces/snaphook-filter-event.d.ts" />
/// <reference path="./interfaces/snaphook-filter-handler.d.ts" />
/// <reference path="./interfaces/snaphook-filter-keys.d.ts" />
/// <reference path="./interfaces/snaphook-filter-kv.d.ts" />
/// <reference path="./interfaces/snaphook-filter-log.d.ts" />
/// <reference path="./interfaces/snaphook-filter-random.d.ts" />
/// <reference path="./interfaces/snaphook-filter-secrets.d.ts" />
/// <reference path="./interfaces/snaphook-filter-types.d.ts" />
declare module 'snaphook:filter/filter@0.1.0' {
  export type * as SnaphookFilterBody010 from 'snaphook:filter/body@0.1.0'; // import snaphook:filter/body@0.1.0
  export type * as SnaphookFilterClock010 from 'snaphook:filter/clock@0.1.0'; // import snaphook:filter/clock@0.1.0
  export type * as SnaphookFilterConfig010 from 'snaphook:filter/config@0.1.0'; // import snaphook:filter/config@0.1.0
  export type * as SnaphookFilterCrypto010 from 'snaphook:filter/crypto@0.1.0'; // import snaphook:filter/crypto@0.1.0
  export type * as SnaphookFilterEvent010 from 'snaphook:filter/event@0.1.0'; // import snaphook:filter/event@0.1.0
  export type * as SnaphookFilterKeys010 from 'snaphook:filter/keys@0.1.0'; // import snaphook:filter/keys@0.1.0
  export type * as SnaphookFilterKv010 from 'snaphook:filter/kv@0.1.0'; // import snaphook:filter/kv@0.1.0
  export type * as SnaphookFilterLog010 from 'snaphook:filter/log@0.1.0'; // import snaphook:filter/log@0.1.0
  export type * as SnaphookFilterRandom010 from 'snaphook:filter/random@0.1.0'; // import snaphook:filter/random@0.1.0
  export type * as SnaphookFilterSecrets010 from 'snaphook:filter/secrets@0.1.0'; // import snaphook:filter/secrets@0.1.0
  export type * as SnaphookFilterTypes010 from 'snaphook:filter/types@0.1.0'; // import snaphook:filter/types@0.1.0
  export * as handler from 'snaphook:filter/handler@0.1.0'; // export snaphook:filter/handler@0.1.0
}
