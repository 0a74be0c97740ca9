#include "metadata/edit_remove.h"

#include <algorithm>
#include <unordered_set>

#include "lib/base/error.h"
#include "metadata/edit_parts.h"
#include "metadata/references.h"

namespace cv::metadata {

namespace {

const Opaque* opaque_of(const LogicalVolume& lv) {
  return lv.segments.empty() ? nullptr : std::get_if<Opaque>(&lv.segments.front().kind);
}

std::string text_at(const LogicalVolume& lv, std::string_view key) {
  const Opaque* opaque = opaque_of(lv);
  const config::Tree* leaf = opaque == nullptr ? nullptr : config::child(opaque->body, key);
  return leaf == nullptr ? std::string() : config::as_string(*leaf).value_or("");
}

std::optional<std::int64_t> number_at(const LogicalVolume& lv, std::string_view key) {
  const Opaque* opaque = opaque_of(lv);
  const config::Tree* leaf = opaque == nullptr ? nullptr : config::child(opaque->body, key);
  return leaf == nullptr ? std::nullopt : config::as_integer(*leaf);
}

/// "snapshotN", which ties a snapshot to its origin.
bool is_tie(const LogicalVolume& lv) {
  return type_of(lv) == "snapshot";
}

std::string snapshot_of(const LogicalVolume& tie) {
  const std::string name = text_at(tie, "cow_store");
  return name.empty() ? text_at(tie, "merging_store") : name;
}

/// Who names whom, in a group that stays as it is.
class Uses {
 public:
  explicit Uses(const VolumeGroup& vg) : index_(index_of(vg)) {
    for (const LogicalVolume& lv : vg.lvs)
      for (const Segment& segment : lv.segments)
        for_each_reference(segment, [&](const std::string& name) {
          const auto found = index_.find(name);
          if (found == index_.end() || found->second == &lv) return;
          auto& users = users_[found->first];
          if (users.empty() || users.back() != &lv) users.push_back(&lv);
        });
  }

  const std::vector<const LogicalVolume*>& of(std::string_view name) const {
    static const std::vector<const LogicalVolume*> kNone;
    const auto found = users_.find(name);
    return found == users_.end() ? kNone : found->second;
  }
  const LogicalVolume* volume(const std::string& name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : found->second;
  }

 private:
  VolumeIndex index_;
  std::unordered_map<std::string_view, std::vector<const LogicalVolume*>> users_;
};

/// The volume and what goes with it.
class Closure {
 public:
  Closure(const Uses& uses, const LogicalVolume& root) : uses_(uses) {
    add(root);
    for (const LogicalVolume* user : uses.of(root.name))
      if (is_tie(*user) && snapshot_of(*user) == root.name) add(*user);
    for (std::size_t i = 0; i < order_.size(); ++i)
      for (const Segment& segment : order_[i]->segments)
        for_each_reference(segment, [&](const std::string& name) { consider(*order_[i], name); });
  }

  const std::vector<const LogicalVolume*>& volumes() const { return order_; }
  bool has(const LogicalVolume* lv) const { return members_.contains(lv); }

 private:
  void add(const LogicalVolume& lv) {
    if (members_.insert(&lv).second) order_.push_back(&lv);
  }

  void consider(const LogicalVolume& by, const std::string& name) {
    const LogicalVolume* lv = uses_.volume(name);
    if (lv == nullptr || has(lv) || keystore_of(*lv) != nullptr) return;
    const bool goes_along = !is_visible(*lv) || text_at(by, "vdo_pool") == name;
    const auto& users = uses_.of(name);
    if (goes_along && std::ranges::all_of(users, [&](const LogicalVolume* user) { return has(user); }))
      add(*lv);
  }

  const Uses& uses_;
  std::vector<const LogicalVolume*> order_;
  std::unordered_set<const LogicalVolume*> members_;
};

/// The last thin snapshot of a volume may outlive it: it only forgets what it was made of.
bool may_lose_its_origin(const LogicalVolume& user, const std::string& origin) {
  if (type_of(user) != "thin" || text_at(user, "origin") != origin) return false;
  unsigned mentions = 0;
  for_each_reference(user.segments.front(),
                     [&](const std::string& name) { mentions += name == origin ? 1 : 0; });
  return user.segments.size() == 1 && mentions == 1;
}

void require_removable(const VolumeGroup& vg, const Uses& uses, const Closure& closure) {
  const LogicalVolume& root = *closure.volumes().front();
  if (is_tie(root))
    throw Error(Errc::refused, "{}/{} only ties the snapshot {} to its origin", vg.name, root.name,
                snapshot_of(root))
        .advise("remove {}/{}", vg.name, snapshot_of(root));
  for (const LogicalVolume* lv : closure.volumes()) {
    for (const LogicalVolume* user : uses.of(lv->name)) {
      if (closure.has(user) || may_lose_its_origin(*user, lv->name)) continue;
      const std::string other = is_tie(*user) ? snapshot_of(*user) : std::string(user->name);
      throw Error(Errc::refused, "{}/{} is part of {}/{}", vg.name, lv->name, vg.name, other)
          .advise("remove {}/{} first", vg.name, other);
    }
    // Data LVs of ours are always locked: that keeps LVM2 away from them.
    const bool is_ours = std::ranges::any_of(
        uses.of(lv->name), [](const LogicalVolume* user) { return crypt_of(*user) != nullptr; });
    if ((has_flag(lv->flags, "LOCKED") && !is_ours) || has_flag(lv->flags, "PVMOVE"))
      throw Error(Errc::refused, "{}/{} is locked", vg.name, lv->name)
          .advise("let the program that locked it finish");
  }
}

config::Tree& body_of(LogicalVolume& lv) {
  return std::get<Opaque>(lv.segments.front().kind).body;
}

void set_number(config::Tree& body, const std::string& key, std::int64_t number) {
  for (auto& [name, child] : body)
    if (name == key) child = config::Tree(config::scalar(number));
}

/// The pool must forget the device too; LVM2 tells it so when it activates the pool the next time.
void leave_message(VolumeGroup& vg, const LogicalVolume& thin) {
  const std::string name = text_at(thin, "thin_pool");
  LogicalVolume* pool = find_lv(vg, name);
  const auto device = number_at(thin, "device_id");
  const auto transaction = pool == nullptr ? std::nullopt : number_at(*pool, "transaction_id");
  if (!device || !transaction)
    throw Error(Errc::unsupported, "{}/{} does not say which device it is in its pool", vg.name, thin.name)
        .advise("use lvremove");
  for (const auto& [key, child] : body_of(*pool))
    if (key.starts_with("message"))
      throw Error(Errc::refused,
                  "the pool {}/{} has a message waiting, and whether the pool has got it is not known",
                  vg.name, name)
          .advise("activate the pool and change one of its volumes with LVM2, or remove the pool as a whole");
  set_number(body_of(*pool), "transaction_id", *transaction + 1);
  config::Tree message;
  message.push_back({"delete", config::Tree(config::scalar(*device))});
  body_of(*pool).push_back({"message1", std::move(message)});
}

void forget_origin(VolumeGroup& vg, const std::string& origin) {
  for (LogicalVolume& lv : vg.lvs)
    if (may_lose_its_origin(lv, origin)) body_of(lv).erase("origin");
}

bool is_pool(const LogicalVolume& lv) {
  const std::string type = type_of(lv);
  return type == "thin-pool" || type == "cache-pool";
}

/// A spare for the metadata of pools is of no use without a pool.
void drop_spare(VolumeGroup& vg) {
  if (std::ranges::any_of(vg.lvs, is_pool)) return;
  std::erase_if(vg.lvs, [](const LogicalVolume& lv) {
    return !is_visible(lv) && std::string_view(lv.name).find("_pmspare") != std::string_view::npos;
  });
}

/// A store without users, removed by its own name, or with its last volume.
void give_up_store(VolumeGroup& vg, const std::string& store) {
  LogicalVolume* lv = find_lv(vg, store);
  if (lv == nullptr || keystore_of(*lv) == nullptr || !users_of(vg, store).empty()) return;
  std::get<Keystore>(lv->segments.front().kind).erasing = true;
}

std::vector<std::string> stores_of(const LogicalVolume& lv) {
  std::vector<std::string> stores;
  for (const Segment& segment : lv.segments)
    if (const auto* crypt = std::get_if<Crypt>(&segment.kind))
      if (std::ranges::find(stores, crypt->store) == stores.end()) stores.push_back(crypt->store);
  return stores;
}

void require_unused_store(const VolumeGroup& vg, const std::string& name) {
  const auto users = users_of(vg, name);
  if (!users.empty())
    throw Error(Errc::in_use, "the keystore {}/{} holds the key of {}/{}", vg.name, name, vg.name,
                users.front()->name)
        .advise("it goes with its last volume; remove that one");
}

}  // namespace

std::vector<std::string> volumes_that_go(const VolumeGroup& vg, const std::string& name) {
  const LogicalVolume& lv = lv_at(vg, name);
  if (keystore_of(lv) != nullptr) return {};
  const Uses uses(vg);
  const Closure closure(uses, lv);
  std::vector<std::string> names;
  for (const LogicalVolume* one : closure.volumes()) names.emplace_back(one->name);
  return names;
}

std::vector<std::string> volumes_concerned(const VolumeGroup& vg, const std::string& name) {
  std::vector<std::string> names = volumes_that_go(vg, name);
  const VolumeIndex index = index_of(vg);
  for (std::size_t i = 0, count = names.size(); i < count; ++i)
    for (const Segment& segment : index.at(names[i])->segments)
      for_each_reference(segment, [&](const std::string& below) {
        if (index.contains(below)) names.push_back(below);
      });
  return names;
}

VolumeGroup remove_volume(VolumeGroup vg, const std::string& name, bool keep_store) {
  require_no_conversion(vg);
  const LogicalVolume lv = lv_at(vg, name);
  if (keystore_of(lv) != nullptr) {
    require_unused_store(vg, name);
    give_up_store(vg, name);
    return vg;
  }
  std::unordered_set<std::string> gone;
  bool takes_a_pool = false;
  {
    const Uses uses(vg);
    const Closure closure(uses, *find_lv(std::as_const(vg), name));
    require_removable(vg, uses, closure);
    for (const LogicalVolume* one : closure.volumes()) {
      gone.emplace(one->name);
      takes_a_pool = takes_a_pool || is_pool(*one);
    }
  }
  raise_iv_next(vg, lv);
  if (type_of(lv) == "thin") {
    leave_message(vg, lv);
    forget_origin(vg, name);
  }
  std::erase_if(vg.lvs, [&](const LogicalVolume& one) { return gone.contains(std::string(one.name)); });
  forget_in_history(vg, gone);
  if (takes_a_pool) drop_spare(vg);
  if (!keep_store)
    for (const std::string& store : stores_of(lv)) give_up_store(vg, store);
  return vg;
}

std::vector<std::string> in_order_of_removal(const VolumeGroup& vg) {
  const Uses uses(vg);
  std::unordered_set<std::string> snapshots;
  for (const LogicalVolume& lv : vg.lvs)
    if (is_tie(lv)) snapshots.insert(snapshot_of(lv));
  std::unordered_set<const LogicalVolume*> seen;
  std::vector<std::string> order;
  const std::function<void(const LogicalVolume&)> visit = [&](const LogicalVolume& lv) {
    if (!seen.insert(&lv).second) return;
    for (const LogicalVolume* user : uses.of(lv.name)) visit(*user);
    if (is_tie(lv)) {
      if (const LogicalVolume* snapshot = uses.volume(snapshot_of(lv))) visit(*snapshot);
    } else if (is_visible(lv) || snapshots.contains(std::string(lv.name))) {
      order.emplace_back(lv.name);
    }
  };
  for (const LogicalVolume& lv : vg.lvs) visit(lv);
  return order;
}

}  // namespace cv::metadata
