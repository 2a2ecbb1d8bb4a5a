// Carries the page's requests to the server that it came from. A refusal is an Error with a sentence for users.
"use strict";

const playTransport = (() => {
  const READS = ["state", "findings", "words", "lesson"];

  async function request(what, body) {
    const post = !READS.includes(what);
    const options = { method: post ? "POST" : "GET", headers: { "Accept-Language": playLanguage.tag() } };
    if (post) {
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(body ?? {});
    }
    let response;
    try {
      response = await fetch(what, options);
    } catch {
      throw new Error(macvlab.t("The playground no longer answers. Was it ended with Ctrl-C?"));
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error || macvlab.t("The server answers {}.", response.status));
    return answer;
  }

  return { request, start: () => request("state") };
})();
