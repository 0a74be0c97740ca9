#include "metadata/edit_remove.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "lib/base/error.h"
#include "metadata/edit_parts.h"
#include "metadata/iv_space.h"
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

/// Who names whom, in a group whose volumes stay where they are; some of them may count as gone.
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

  /// Those that are still there.
  std::vector<const LogicalVolume*> of(std::string_view name) const {
    const auto found = users_.find(name);
    if (found == users_.end()) return {};
    std::vector<const LogicalVolume*> users = found->second;
    std::erase_if(users, [&](const LogicalVolume* user) { return is_gone(user); });
    return users;
  }
  /// Null where there is none, or it has gone.
  const LogicalVolume* volume(const std::string& name) const {
    const auto found = index_.find(name);
    return found == index_.end() || is_gone(found->second) ? nullptr : found->second;
  }
  /// Whether there was such a volume, and it has gone.
  bool has_gone(const std::string& name) const {
    const auto found = index_.find(name);
    return found != index_.end() && is_gone(found->second);
  }
  void let_go(const LogicalVolume* lv) { gone_.insert(lv); }

 private:
  bool is_gone(const LogicalVolume* lv) const { return !gone_.empty() && gone_.contains(lv); }

  VolumeIndex index_;
  std::unordered_map<std::string_view, std::vector<const LogicalVolume*>> users_;
  std::unordered_set<const LogicalVolume*> gone_;
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
    if (!goes_along) return;
    const auto users = uses_.of(name);
    if (std::ranges::all_of(users, [&](const LogicalVolume* user) { return has(user); })) add(*lv);
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

std::vector<std::string> stores_of(const LogicalVolume& lv) {
  std::vector<std::string> stores;
  for (const Segment& segment : lv.segments)
    if (const auto* crypt = std::get_if<Crypt>(&segment.kind))
      if (std::ranges::find(stores, crypt->store) == stores.end()) stores.push_back(crypt->store);
  return stores;
}

/// Takes volumes out of a group, one after the other; they stay in their places until finish().
class Removal {
 public:
  Removal(VolumeGroup vg, bool keep_stores) : vg_(std::move(vg)), uses_(vg_), keep_stores_(keep_stores) {}
  Removal(const Removal&) = delete;  // uses_ points into vg_
  Removal& operator=(const Removal&) = delete;

  void take(const std::string& name) {
    if (uses_.has_gone(name)) return;
    const LogicalVolume* lv = uses_.volume(name);
    if (lv == nullptr) lv = &lv_at(vg_, name);  // says that there is none
    if (keystore_of(*lv) != nullptr) return take_store(*lv);
    const Closure closure(uses_, *lv);
    require_removable(vg_, uses_, closure);
    for (const std::string& store : stores_of(*lv)) stores_.insert(store);
    if (type_of(*lv) == "thin") {
      leave_message(*lv);
      forget_origin(*lv);
    }
    for (const LogicalVolume* one : closure.volumes()) {
      uses_.let_go(one);
      gone_.emplace(one->name);
      takes_a_pool_ = takes_a_pool_ || is_pool(*one);
    }
  }

  VolumeGroup finish() && {
    if (!stores_.empty()) {
      const IvEnds ends = iv_ends(vg_);
      for (const std::string& name : stores_) settle_store(name, ends);
    }
    std::erase_if(vg_.lvs, [&](const LogicalVolume& one) { return gone_.contains(std::string(one.name)); });
    if (!gone_.empty()) forget_in_history(vg_, gone_);
    if (takes_a_pool_) drop_spare(vg_);
    return std::move(vg_);
  }

 private:
  LogicalVolume& writable(const LogicalVolume& lv) {
    return vg_.lvs[static_cast<std::size_t>(&lv - vg_.lvs.data())];
  }

  void take_store(const LogicalVolume& store) {
    const auto users = uses_.of(store.name);
    if (!users.empty())
      throw Error(Errc::in_use, "the keystore {}/{} holds the key of {}/{}", vg_.name, store.name, vg_.name,
                  users.front()->name)
          .advise("it goes with its last volume; remove that one");
    give_up(store);
  }

  void give_up(const LogicalVolume& store) {
    std::get<Keystore>(writable(store).segments.front().kind).erasing = true;
  }

  /// A store that a volume was on: it knows which IVs were used, and goes with its last volume.
  void settle_store(const std::string& name, const IvEnds& ends) {
    const LogicalVolume* store = uses_.volume(name);
    if (store == nullptr || keystore_of(*store) == nullptr) return;
    auto& keystore = std::get<Keystore>(writable(*store).segments.front().kind);
    const auto end = ends.find(name);
    keystore.iv_next =
        std::max(keystore.iv_next.value_or(Sectors()), end == ends.end() ? Sectors() : end->second);
    if (!keep_stores_ && uses_.of(name).empty()) give_up(*store);
  }

  /// The pool must forget the device too; LVM2 tells it so with its next change of the pool. One
  /// change of the group is one transaction of the pool, with any number of messages.
  void leave_message(const LogicalVolume& thin) {
    const std::string name = text_at(thin, "thin_pool");
    const LogicalVolume* pool = uses_.volume(name);
    const auto device = number_at(thin, "device_id");
    const auto transaction = pool == nullptr ? std::nullopt : number_at(*pool, "transaction_id");
    if (!device || !transaction)
      throw Error(Errc::unsupported, "{}/{} does not say which device it is in its pool", vg_.name, thin.name)
          .advise("use lvremove");
    config::Tree& body = body_of(writable(*pool));
    const auto [told, is_first] = messages_.try_emplace(pool, 0);
    if (is_first) {
      for (const auto& [key, child] : body)
        if (key.starts_with("message"))
          throw Error(Errc::refused,
                      "the pool {}/{} has a message waiting, and whether the pool has got it is not known",
                      vg_.name, name)
              .advise(
                  "activate the pool and change one of its volumes with LVM2, or remove the pool as a whole");
      set_number(body, "transaction_id", *transaction + 1);
    }
    config::Tree message;
    message.push_back({"delete", config::Tree(config::scalar(*device))});
    body.push_back({fmt::format("message{}", ++told->second), std::move(message)});
  }

  void forget_origin(const LogicalVolume& origin) {
    for (const LogicalVolume* user : uses_.of(origin.name))
      if (may_lose_its_origin(*user, origin.name)) body_of(writable(*user)).erase("origin");
  }

  VolumeGroup vg_;
  Uses uses_;
  bool keep_stores_;
  bool takes_a_pool_ = false;
  std::unordered_set<std::string> gone_;
  std::set<std::string> stores_;                                 ///< that the volumes were on
  std::unordered_map<const LogicalVolume*, unsigned> messages_;  ///< that pools were left
};

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

std::vector<std::string> volumes_concerned(const VolumeGroup& vg, const std::vector<std::string>& names) {
  const Uses uses(vg);
  std::vector<std::string> concerned;
  std::unordered_set<const LogicalVolume*> seen;
  const auto add = [&](const LogicalVolume* lv) {
    if (lv != nullptr && seen.insert(lv).second) concerned.emplace_back(lv->name);
  };
  for (const std::string& name : names) {
    const LogicalVolume* lv = uses.volume(name);
    if (lv == nullptr || keystore_of(*lv) != nullptr) continue;
    const Closure closure(uses, *lv);
    for (const LogicalVolume* one : closure.volumes()) {
      add(one);
      for (const Segment& segment : one->segments)
        for_each_reference(segment, [&](const std::string& below) { add(uses.volume(below)); });
    }
  }
  return concerned;
}

VolumeGroup remove_volume(VolumeGroup vg, const std::string& name, bool keep_store) {
  return remove_volumes(std::move(vg), {name}, keep_store);
}

VolumeGroup remove_volumes(VolumeGroup vg, const std::vector<std::string>& names, bool keep_stores) {
  require_no_conversion(vg);
  Removal removal(std::move(vg), keep_stores);
  for (const std::string& name : names) removal.take(name);
  return std::move(removal).finish();
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
