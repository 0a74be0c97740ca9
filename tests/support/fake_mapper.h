// A device-mapper in memory: devices with a live and an inactive table, and a wish to fail.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "activate/mapper.h"
#include "lib/crypt/keyring.h"

namespace cv::test {

class FakeMapper final : public activate::Mapper {
 public:
  std::optional<activate::DeviceInfo> find_uuid(const std::string& uuid) override;
  std::optional<activate::DeviceInfo> find_name(const std::string& name) override;
  std::vector<activate::DeviceInfo> list() override;
  std::optional<activate::Table> live_table(const std::string& uuid) override;
  bool is_shown(const std::string& name, std::optional<activate::DeviceNumber> number,
                const activate::Publication& publication) override;
  std::optional<std::uint32_t> read_ahead(activate::DeviceNumber number) override;
  void run(const activate::Operation& operation) override;
  void settle() override;
  std::optional<activate::TargetVersion> target_version(const std::string& type) override;

  /// The n-th run() from now on (1: the next) throws Errc::kernel and does nothing; 0: none does. With
  /// `for_good` those behind it too.
  void fail_at(unsigned n, bool for_good = false) {
    fails_in_ = n;
    fails_for_good_ = for_good;
  }
  /// How a kernel refuses a table that it has loaded: when it is put in place of the live one, which stays,
  /// or when it is in place. Both times the device is left suspended and no table waits.
  enum class Refusal { at_swap, in_place };
  using IsBad = std::function<bool(const std::string& uuid, const activate::Table& table)>;
  /// From now on resumes fail where `is_bad` says so of the table that the device would have.
  void refuse(Refusal how, IsBad is_bad) {
    refusal_ = how;
    is_bad_ = std::move(is_bad);
  }
  unsigned runs() const { return runs_; }
  /// The command is killed behind the n-th run() from now on: Killed is thrown, which nobody catches on the
  /// way, and what its objects try while they die comes to nothing. 0: it lives.
  struct Killed {};
  void kill_after(unsigned n) {
    dies_in_ = n;
    is_dead_ = false;
  }
  /// Somebody else opens or closes a device.
  void open(const std::string& uuid) { ++devices_.at(uuid).opens; }
  void close(const std::string& uuid) { --devices_.at(uuid).opens; }
  /// Tables that name a key are refused where this keyring has not got it.
  void use_keyring(crypt::Keyring& keyring) { keyring_ = &keyring; }

  bool empty() const { return devices_.empty(); }
  bool any_suspended() const;
  bool any_inactive_table() const;
  /// All that can be seen from outside, but for the numbers of devices: equal states are equal texts.
  std::string state() const;
  /// The links below /dev, as of the last settle().
  const std::vector<std::string>& links() const { return links_; }
  /// Every operation that succeeded, in a word and a name: "create vg0-tst", "resume vg0-tst".
  const std::vector<std::string>& history() const { return history_; }
  void clear_history() { history_.clear(); }

 private:
  struct FakeDevice {
    std::string name;
    activate::DeviceNumber number;
    std::optional<activate::Table> live;
    std::optional<activate::Table> inactive;
    std::uint32_t read_ahead = 256;
    bool is_shown = false;  ///< node and link are there
    bool live_read_only = false;
    bool inactive_read_only = false;
    bool suspended = false;
    unsigned opens = 0;
    activate::Publication publication;
  };

  void perform(const activate::Operation& operation);
  void bring_in_table(const std::string& uuid, FakeDevice& device);
  activate::DeviceInfo info_of(const std::string& uuid, const FakeDevice& device) const;
  FakeDevice& at(const std::string& uuid);
  unsigned references(activate::DeviceNumber number) const;
  void check_target(const activate::TableLine& line);
  void check_area(const activate::Device& device, Sectors end);

  std::map<std::string, FakeDevice> devices_;
  std::vector<std::string> links_;
  std::vector<std::string> history_;
  crypt::Keyring* keyring_ = nullptr;
  std::uint32_t next_minor_ = 0;
  std::set<std::string> left_over_;  ///< names of nodes whose devices have gone
  unsigned dies_in_ = 0;
  bool is_dead_ = false;
  unsigned fails_in_ = 0;
  bool fails_for_good_ = false;
  Refusal refusal_ = Refusal::at_swap;
  IsBad is_bad_;
  unsigned runs_ = 0;
};

}  // namespace cv::test
