"use strict";
// Form to question; slider and field in step. All that is computed is computed by the server.
window.dash_clientside = window.dash_clientside || {};
(function () {
  const CALM = 25; // milliseconds without a change before the server is asked
  let newest = 0;

  function sorted(value) {
    if (Array.isArray(value)) { return value.map(sorted); }
    if (value === null || typeof value !== "object") { return value; }
    return Object.keys(value).sort().map((key) => [key, sorted(value[key])]);
  }

  function same(one, other) {
    const sent = (value) => sorted(JSON.parse(JSON.stringify(value || null)));
    return JSON.stringify(sent(one)) === JSON.stringify(sent(other));
  }

  function short(value) {
    return String(Number(Number(value).toPrecision(5)));
  }

  window.dash_clientside.page = {
    sync: function (text, slid, low, high, step) {
      const still = window.dash_clientside.no_update;
      const by = window.dash_clientside.callback_context.triggered_id;
      if (by && by.kind === "slider") {
        return [short(slid), still, still, still];
      }
      const value = Number(text);
      if (text === null || String(text).trim() === "" || !Number.isFinite(value)) {
        return [still, still, still, still];
      }
      return [still, value, value < low ? value : still, value > high ? value : still];
    },

    // The field of a vector and the fields of its components, in step.
    vector: function (text, parts) {
      const still = window.dash_clientside.no_update;
      const by = window.dash_clientside.callback_context.triggered_id;
      const typed = parts.map((x) => String(x === null || x === undefined ? "" : x).trim());
      if (by && by.kind === "component") {
        return typed.some((x) => x === "") ? [still, parts.map(() => still)]
          : ["[" + typed.join(", ") + "]", parts.map(() => still)];
      }
      let values = [];
      try { values = JSON.parse(text); } catch (error) { values = []; }
      const fits = Array.isArray(values) && values.length === parts.length &&
        values.every((x) => Number.isFinite(x));
      const known = fits && values.every((x, n) => typed[n] !== "" && Number(typed[n]) === x);
      return [still, parts.map((x, n) => (fits && !known ? short(values[n]) : still))];
    },

    // The picture of the model, and the address that restores the form.
    picture: function (question, who) {
      if (!question) { return [window.dash_clientside.no_update, "#explore"]; }
      const text = encodeURIComponent(JSON.stringify(question));
      const model = encodeURIComponent(JSON.stringify({
        problem: question.problem, methods: question.methods, view: "point", values: question.values}));
      const dark = window.matchMedia("(prefers-color-scheme: dark)").matches ? 1 : 0;
      return ["/drawing?who=" + who + "&dark=" + dark + "&question=" + model, "#form=" + text];
    },

    gather: function (defaults, methods, observable, view, hands, fields, options, entries, unit,
                      aName, aStart, aStop, aCount, aLog, bName, bStart, bStop, bCount, bLog,
                      problem) {
      const lists = window.dash_clientside.callback_context.inputs_list;
      const at = (key) => lists.find((x) => Array.isArray(x) && x.length && x[0].id.kind === key) || [];
      const value = (list) => Object.fromEntries(list.map((x) => [x.id.name, x.value]));
      const values = {};
      Object.entries(value(at("field"))).forEach(([name, text]) => {
        const typed = text === null || text === undefined ? "" : String(text).trim();
        if (typed !== "" && typed !== defaults[name]) { values[name] = typed; }
      });
      const settings = {};
      Object.entries(value(at("option"))).forEach(([name, text]) => {
        if (text !== null && text !== undefined && String(text).trim() !== "") {
          settings[name] = String(text).trim();
        }
      });
      const span = (name, start, stop, count, log) => ({
        name: name || "", start: String(start || ""), stop: String(stop || ""),
        count: String(count || ""), log: Boolean(log && log.length),
      });
      const question = {
        problem: problem, methods: methods || [], observable: observable, view: view,
        values: values, options: settings, entries: value(at("entry")),
        hands: Boolean(hands && hands.length), unit: String(unit || "").trim(),
        along: span(aName, aStart, aStop, aCount, aLog),
        against: span(bName, bStart, bStop, bCount, bLog),
      };
      const mine = ++newest;
      return new Promise((done) => setTimeout(
        () => done(mine === newest ? question : window.dash_clientside.no_update), CALM));
    },

    // What is shown belongs to the question that it answers; under any other it is marked.
    mark: function (question, problem, shown) {
      const old = Boolean(shown) &&
        (shown.question.problem !== problem || !same(question, shown.question));
      const words = old ? "Figure, verdict and checks below are of the previous question: " + shown.words : "";
      return [old ? "previous" : "", words, !old];
    },

    unmark: function (shown, problem, question) {
      return window.dash_clientside.page.mark(question, problem, shown);
    },

    turn: function (hash, asked) {
      const place = (hash || "").split("=")[0] || (asked ? "#start" : "#explore");
      const at = place === "#start" || place === "#studies" ? place : "#explore";
      const views = ["#start", "#explore", "#studies"];
      return [...views.map((x) => x !== at), ...views.map((x) => (x === at ? "here" : ""))];
    },
  };

  // A model without a drawing, or with one that cannot be made, has no picture.
  const seen = (shown) => (event) => {
    if (event.target && event.target.id === "drawing") { event.target.hidden = !shown; }
  };
  document.addEventListener("error", seen(false), true);
  document.addEventListener("load", seen(true), true);
})();
