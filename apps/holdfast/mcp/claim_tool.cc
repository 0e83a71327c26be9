#include <memory>
#include <utility>

#include "base/time_text.h"
#include "mcp/arguments.h"
#include "mcp/budget.h"
#include "mcp/held.h"
#include "mcp/work_tools.h"

namespace holdfast::mcp {
namespace {

Json json_of(const Claim& claim) {
  return {{"claim", claim.id},
          {"resources", claim.resources},
          {"token", claim.token},
          {"expires", time_text(claim.expires_us)}};
}

using HeldClaims = std::shared_ptr<Held<Claim>>;

// Who leaves keeps nobody else waiting.
void release_when_left(Peer& peer, const Space& space, const HeldClaims& held) {
  if (peer.owner() == nullptr) return;
  const auto release = [space, held, owner = peer.owner()] {
    for (const Claim& claim : held->take_all(owner)) (void)space.claims().release(claim);
  };
  peer.session().at_close("claims", release);
}

Result<Json> take(Peer& peer, const Space& space, const HeldClaims& held, const Json& arguments) {
  const Claims claims = space.claims();
  HOLDFAST_TRY(needs(arguments, "resources"));
  const auto resources = texts_of(arguments, "resources");
  ClaimOptions options;
  if (arguments.value("shared", false)) options.mode = ClaimMode::shared;
  options.ttl = seconds_of(arguments, "ttl_seconds", 300);
  options.holder = arguments.value("holder", "");
  options.purpose = arguments.value("purpose", "");
  Patience patience(peer, arguments);
  while (true) {
    options.wait = patience.step();
    auto claim = claims.take(resources, options);
    if (claim && peer.cancelled()) {  // nobody would learn that he has it
      HOLDFAST_TRY(claims.release(*claim));
      return Status(StatusCode::kBusy, "the request was cancelled");
    }
    if (claim) {
      held->keep(peer.owner(), claim->id, *claim, claim->expires_us);
      release_when_left(peer, space, held);
      return structured_result(json_of(*claim));
    }
    const bool held_by_other = claim.status().code() == StatusCode::kBusy;
    if (!held_by_other || !patience.another()) return claim.status();
  }
}

Result<Json> list(const Claims& claims, const Json& arguments) {
  constexpr size_t kListed = 200;
  HOLDFAST_ASSIGN(const auto resources, claims.list({.prefix = arguments.value("prefix", ""),
                                                     .after = arguments.value("after", ""),
                                                     .limit = kListed}));
  Budget budget(arguments);
  Json found = Json::array();
  for (const ClaimedResource& resource : resources) {
    Json holders = Json::array();
    for (const ClaimHolder& holder : resource.holders) {
      holders.push_back({{"claim", holder.claim_id},
                         {"shared", holder.mode == ClaimMode::shared},
                         {"holder", holder.holder},
                         {"purpose", holder.purpose},
                         {"expires", time_text(holder.expires_us)}});
    }
    Json one = {{"resource", resource.resource}, {"holders", std::move(holders)}};
    if (!budget.spend(one)) break;
    found.push_back(std::move(one));
  }
  const bool more = found.size() < resources.size() || resources.size() == kListed;
  return structured_result({{"resources", std::move(found)}, {"more", more}});
}

Result<Json> run(Peer& peer, Memory& memory, const HeldClaims& held, const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  HOLDFAST_ASSIGN(const Space space, memory.space());
  const Claims claims = space.claims();
  if (action == "take") return take(peer, space, held, arguments);
  if (action == "list") return list(claims, arguments);
  HOLDFAST_TRY(needs(arguments, "claim"));
  const auto name = arguments["claim"].get<std::string>();
  const auto claim = held->find(peer.owner(), name);
  if (!claim) {
    return Status(StatusCode::kNotFound,
                  "this client does not hold claim " + cli::one_line(name, 60) +
                      "; claims end with the client that took them: take it again");
  }
  if (action == "release") {
    HOLDFAST_TRY(claims.release(*claim));
    held->drop(peer.owner(), name);
    return structured_result({{"released", name}});
  }
  HOLDFAST_ASSIGN(const Claim renewed,
                  claims.renew(*claim, seconds_of(arguments, "ttl_seconds", 300)));
  held->keep(peer.owner(), name, renewed, renewed.expires_us);
  return structured_result(json_of(renewed));
}

}  // namespace

void add_claim_tool(Catalogue& catalogue, Memory& memory) {
  Tool tool{.name = "claim", .title = "Claim"};
  tool.description =
      "Agree with the other agents who works on what: take a claim on names (files, tasks, ports) "
      "before changing them, all or none; renew it before it expires; release it when done. A "
      "claim is free at once when its agent's process ends. list shows who holds what.";
  tool.effect = Effect::kChanges;
  tool.input = object_schema({
      {"action", word_schema("What to do", {"take", "renew", "release", "list"}), true},
      {"resources", list_schema("take: the names", {{"type", "string"}}, 1, kClaimResourcesMax)},
      {"claim", text_schema("renew, release: the claim that take gave")},
      {"shared", flag_schema("take: others may share it; nobody has it alone meanwhile")},
      {"ttl_seconds", number_schema("Expires after so long; 300 if not given", 0.001, 2'592'000)},
      {"wait_seconds", number_schema("take: wait so long while others hold it", 0, 3600)},
      {"holder", text_schema("take: who you are, for the others")},
      {"purpose", text_schema("take: what you do, for the others")},
      {"prefix", text_schema("list: only names that begin so")},
      {"after", text_schema("list: only names behind this one")},
      Budget::property(),
  });
  tool.output = object_schema({
      {"claim", text_schema("take, renew: the claim")},
      {"resources",
       {{"type", "array"}, {"description", "take, renew: its names; list: who holds what"}}},
      {"token", count_schema("take, renew: fences those who held it before")},
      {"expires", text_schema("take, renew: when")},
      {"more", flag_schema("list: go on with after")},
      {"released", text_schema("release: the claim")},
  });
  auto held = std::make_shared<Held<Claim>>();
  tool.run = [&memory, held](Peer& peer, const Json& arguments) {
    return run(peer, memory, held, arguments);
  };
  catalogue.tools.push_back(std::move(tool));
}

}  // namespace holdfast::mcp
