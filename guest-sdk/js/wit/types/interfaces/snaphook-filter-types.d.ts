declare module 'snaphook:filter/types@0.1.0' {
  /**
   * A header: the name in lower case, the value's exact bytes (not necessarily UTF-8).
   */
  export type Header = [string, Uint8Array];
  /**
   * Where in an event's way the filter is called.
   */
  export type Phase = PhaseRoute | PhaseDestination;
  /**
   * On the route, before a destination is chosen. Once per event.
   */
  export interface PhaseRoute {
    tag: 'route',
  }
  /**
   * For one destination, named here, before its first attempt.
   */
  export interface PhaseDestination {
    tag: 'destination',
    val: string,
  }
  /**
   * Everything about an event but its body.
   */
  export interface Head {
    /**
     * The event's id: `evt_` and 26 characters, ordered by time.
     */
    event: string,
    project: string,
    route: string,
    phase: Phase,
    /**
     * As received, case kept: `POST`.
     */
    method: string,
    /**
     * `http` or `https`, as the sender saw it.
     */
    scheme: string,
    /**
     * Host and port, if any, as the sender wrote them: `hooks.example.com:8443`.
     */
    authority: string,
    /**
     * Begins with `/`; percent-encoding is kept as it came.
     */
    path: string,
    /**
     * What follows `?`, without it; none if there is no `?`.
     */
    query?: string,
    /**
     * Duplicates in their order within a name, names by first appearance.
     */
    headers: Array<Header>,
    /**
     * The sender's IP address; behind a trusted proxy, the one that the proxy names.
     */
    source: string,
    /**
     * When the head arrived, milliseconds since 1970-01-01T00:00:00Z.
     */
    received: bigint,
    /**
     * 0 in phase `route`; in phase `destination` the number of the attempt that is prepared, from 1.
     */
    attempt: number,
    /**
     * True if the event is sent again on somebody's request.
     */
    replay: boolean,
    /**
     * Bytes of the body; none if it was not read because no filter of the route needs it.
     */
    bodyLength?: bigint,
    /**
     * Further facts by name. Today: `path.NAME` for each `{NAME}` of the route's path, `label.NAME` for each label
     * that an earlier filter set.
     */
    attributes: Array<[string, string]>,
  }
  /**
   * Why a call of the host did not do what was asked.
   */
  export type CallError = CallErrorDenied | CallErrorInvalid | CallErrorLimit | CallErrorUnavailable | CallErrorOther;
  /**
   * The filter has no grant of this name. The call is counted and logged.
   */
  export interface CallErrorDenied {
    tag: 'denied',
    val: string,
  }
  /**
   * An argument cannot be right; the text says which and why.
   */
  export interface CallErrorInvalid {
    tag: 'invalid',
    val: string,
  }
  /**
   * A named limit of the attachment is used up.
   */
  export interface CallErrorLimit {
    tag: 'limit',
    val: string,
  }
  /**
   * The host could not do it this time.
   */
  export interface CallErrorUnavailable {
    tag: 'unavailable',
    val: string,
  }
  /**
   * Anything else.
   */
  export interface CallErrorOther {
    tag: 'other',
    val: string,
  }
  /**
   * One change to the event. A list of them is applied in order, all or none.
   */
  export type Edit = EditSetHeader | EditAppendHeader | EditRemoveHeader | EditSetMethod | EditSetPath | EditSetQuery | EditReplaceBody | EditJsonSet | EditJsonRemove | EditChoose | EditOther;
  /**
   * Replaces every value of the name.
   */
  export interface EditSetHeader {
    tag: 'set-header',
    val: Header,
  }
  export interface EditAppendHeader {
    tag: 'append-header',
    val: Header,
  }
  /**
   * Removing what is not there is no fault.
   */
  export interface EditRemoveHeader {
    tag: 'remove-header',
    val: string,
  }
  export interface EditSetMethod {
    tag: 'set-method',
    val: string,
  }
  /**
   * Begins with `/`, no query.
   */
  export interface EditSetPath {
    tag: 'set-path',
    val: string,
  }
  /**
   * None removes the `?` as well.
   */
  export interface EditSetQuery {
    tag: 'set-query',
    val: string | undefined,
  }
  /**
   * The new body, whole. Without this and the two JSON edits the host's own bytes go out untouched.
   */
  export interface EditReplaceBody {
    tag: 'replace-body',
    val: Uint8Array,
  }
  /**
   * JSON pointer (RFC 6901) and JSON text. Sets or adds the member or element; missing parent objects are made;
   * `-` appends to an array. Bytes outside the changed value stay as they are, but of equal keys on the way only
   * the last stays.
   */
  export interface EditJsonSet {
    tag: 'json-set',
    val: [string, string],
  }
  /**
   * JSON pointer (RFC 6901). Of equal keys all go. Removing what is not there is no fault.
   */
  export interface EditJsonRemove {
    tag: 'json-remove',
    val: string,
  }
  /**
   * The destinations to send to, by name, out of those that the route lists. In mode `forward` exactly one.
   */
  export interface EditChoose {
    tag: 'choose',
    val: Array<string>,
  }
  export interface EditOther {
    tag: 'other',
    val: OtherEdit,
  }
  export interface Rejection {
    /**
     * 400 to 599.
     */
    status: number,
    headers: Array<Header>,
    /**
     * For the log and the event's record; the sender never sees it.
     */
    reason: string,
  }
  export interface Response {
    /**
     * 200 to 599.
     */
    status: number,
    headers: Array<Header>,
    body: Uint8Array,
  }
  export type Verdict = VerdictPass | VerdictEdit | VerdictReject | VerdictRespond | VerdictDrop | VerdictRetryLater | VerdictOther;
  /**
   * Go on with the event as it is.
   */
  export interface VerdictPass {
    tag: 'pass',
  }
  /**
   * Go on with the event changed.
   */
  export interface VerdictEdit {
    tag: 'edit',
    val: Array<Edit>,
  }
  /**
   * Refuse the event. In phase `destination`: dead-letter this delivery.
   */
  export interface VerdictReject {
    tag: 'reject',
    val: Rejection,
  }
  /**
   * Answer the sender at once, forward nothing; for handshakes. Bad output in phase `destination`.
   */
  export interface VerdictRespond {
    tag: 'respond',
    val: Response,
  }
  /**
   * Accept the event and forward it nowhere; the reason goes to the log. In phase `destination`: cancel this
   * delivery.
   */
  export interface VerdictDrop {
    tag: 'drop',
    val: string,
  }
  /**
   * Ask the sender to come again after this many seconds (503 with Retry-After). In phase `destination`: try
   * this delivery again then.
   */
  export interface VerdictRetryLater {
    tag: 'retry-later',
    val: number,
  }
  export interface VerdictOther {
    tag: 'other',
    val: OtherVerdict,
  }
  
  export class OtherEdit implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    [Symbol.dispose](): void;
  }
  
  export class OtherVerdict implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    [Symbol.dispose](): void;
  }
}
