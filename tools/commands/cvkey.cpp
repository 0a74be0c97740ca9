// cvkey: the secrets and the key material of a keystore. What each word does is in key_slots.cpp and
// key_material.cpp.
#include <algorithm>
#include <array>

#include <fmt/ranges.h>

#include "lib/base/error.h"
#include "tools/commands/key_actions.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/store_request.h"

namespace cv::tools::commands {

namespace {

struct Action {
  std::string_view name;
  void (*run)(Session& session, const Arguments& arguments, const FullVolumeName& store);
  /// Of the options that only some actions have, those that this one has.
  std::vector<Option> options;
};

std::vector<Option> joined(std::vector<Option> options, const OptionGroup& more) {
  options.insert(options.end(), more.options.begin(), more.options.end());
  return options;
}

const std::vector<Action>& actions() {
  static const std::vector<Option> new_secret{kNewKeyFile, kNewKeyFileOffset, kNewKeyFileSize};
  static const auto with_new_slot = [](std::vector<Option> options) {
    options.insert(options.end(), new_secret.begin(), new_secret.end());
    return joined(joined(std::move(options), secret_options()), derivation_options());
  };
  static const std::vector<Action> all{
      {"list", list_slots, {}},
      {"add", add_slot, with_new_slot({kKeySlot, kSlotName})},
      {"change", change_slot, with_new_slot({kSlotName})},
      {"remove", remove_slot, joined({kKeySlot, kForce}, secret_options())},
      {"convert", convert_store, joined({kHandler}, secret_options())},
      {"test", test_secret, joined({kKeySlot}, secret_options())},
      {"backup", back_up_store, {kFile}},
      {"restore", restore_store, joined({kFile, kForce}, secret_options())},
      {"erase", erase_store, {kForce}},
      {"load", load_key, joined({kTimeout}, secret_options())},
      {"forget", forget_key, {}},
  };
  return all;
}

const Action& action_named(const std::string& name) {
  const auto found = std::ranges::find(actions(), name, &Action::name);
  if (found != actions().end()) return *found;
  std::vector<std::string_view> names;
  for (const Action& action : actions()) names.push_back(action.name);
  throw Error(Errc::usage, "cvkey knows no '{}'", name).advise("use one of {}", fmt::join(names, ", "));
}

/// An option that says nothing to this action would be taken for one that was heeded.
void require_fitting(const Action& action, const Arguments& arguments) {
  for (const OptionGroup& group : arguments.command().options) {
    for (const Option& option : group.options) {
      if (!arguments.has(option)) continue;
      const bool fits =
          std::ranges::any_of(action.options, [&](const Option& one) { return one.name == option.name; });
      if (!fits) throw Error(Errc::usage, "cvkey {} has no option --{}", action.name, option.name);
    }
  }
}

void run(Session& session, const Arguments& arguments) {
  const Action& action = action_named(arguments.operand(0));
  require_fitting(action, arguments);
  action.run(session, arguments, parse_full_volume_name(arguments.operand(1)));
}

}  // namespace

Command cvkey() {
  return {
      .name = "cvkey",
      .summary = "look after the secrets and the key of a keystore",
      .synopsis = {"list|test|load|forget VG/STORE", "add|change|remove|convert [OPTION]... VG/STORE",
                   "backup|restore --file FILE VG/STORE", "erase VG/STORE"},
      .description =
          "A keystore holds the master key of its volumes. A luks1 or luks2 store gives it to whoever has "
          "one "
          "of several secrets, each in a key slot of its own. What is done here never touches the volumes, "
          "open or not.\n\n"
          "A change of the slots always asks for a secret that works, whatever key is at hand, and never "
          "leaves the store without one: the new slot is written, flushed and opened from the disk before "
          "the "
          "old one goes.",
      .options = {{"Options",
                   {kKeySlot, kSlotName, kFile, kTimeout,
                    meaning(kHandler,
                            "what the store is converted to, luks1 or luks2; the other one if not given"),
                    meaning(kForce, "do it where it is refused without, or asks")}},
                  secret_options(),
                  {"The new secret", {kNewKeyFile, kNewKeyFileOffset, kNewKeyFileSize}},
                  derivation_options()},
      .min_operands = 2,
      .max_operands = 2,
      .operands = "what to do and a keystore",
      .sections =
          {{"WHAT IT DOES",
            "list: the key slots, their names and what deriving their keys costs. Needs no secret.\n\n"
            "add: one more secret, in --key-slot or the first free slot.\n\n"
            "change: another secret in place of the one that is given. Needs a free slot for a moment.\n\n"
            "remove: the slot that the secret opens; with --key-slot that slot, and the secret is one that "
            "stays. The last one goes with --force only: nothing opens the volumes then, unless a backup "
            "exists.\n\n"
            "convert: from luks1 to luks2 or back, with all secrets, as far as libcryptsetup can. The new "
            "header goes to extents that are free; the old ones are overwritten afterwards. Volumes stay "
            "open.\n\n"
            "test: which slot the secret opens.\n\n"
            "backup: the store's bytes into a new file that only its owner can read. Whoever has it and a "
            "secret of today has the key for ever, also once that secret is removed here. Of a store whose "
            "handler is not installed the newest copy is saved, unverified.\n\n"
            "restore: the bytes from a backup. It must hold the key that the volumes are encrypted with. "
            "Secrets that were removed since work again. The bytes go to free extents and the old ones are "
            "overwritten afterwards; with --force they may be written over at once. Where only --force goes "
            "on "
            "nobody can tell whose backup it is.\n\n"
            "erase: every copy is overwritten. Nothing opens the volumes ever again. Asks for the name of "
            "the "
            "store; --yes does not answer that, --force does.\n\n"
            "load: the key is made ready in the kernel, so that volumes can be activated without asking "
            "until "
            "--timeout has passed.\n\n"
            "forget: the key leaves the kernel's keyring."}},
      .examples = {{"A second passphrase", "cvkey add --name ann vg0/cryptostore1"},
                   {"Which slot does this key file open?", "cvkey test --keyfile key vg0/cryptostore1"},
                   {"A backup of the store", "cvkey backup --file store.backup vg0/cryptostore1"}},
      .see_also = {"cvcreate", "cvchange", "cvs"},
      .has_link = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
