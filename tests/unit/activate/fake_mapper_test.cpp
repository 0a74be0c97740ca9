// The fake keeps the promises of a mapper.
#include "tests/support/fake_mapper.h"

#include "tests/support/mapper_contract.h"

namespace cv::test {

namespace {

class FakeWorld final : public MapperWorld {
 public:
  activate::Mapper& mapper() override { return mapper_; }
  activate::DeviceNumber disk() override { return {7, 0}; }
  std::shared_ptr<void> hold_open(const activate::DeviceInfo& device) override {
    mapper_.open(device.uuid);
    return {nullptr, [this, uuid = device.uuid](void*) { mapper_.close(uuid); }};
  }

 private:
  FakeMapper mapper_;
};

std::unique_ptr<MapperWorld> make_fake_world() {
  return std::make_unique<FakeWorld>();
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Fake, MapperContract, testing::Values(&make_fake_world));

TEST(FakeMapper, FailsWhenItIsToldTo) {
  FakeMapper mapper;
  mapper.fail_at(2);

  mapper.run(activate::CreateDevice{"a", "LVM-a"});

  EXPECT_THROW(mapper.run(activate::CreateDevice{"b", "LVM-b"}), Error);
  EXPECT_FALSE(mapper.find_name("b"));
  EXPECT_NO_THROW(mapper.run(activate::CreateDevice{"b", "LVM-b"}));
}

TEST(AbsentMapper, KnowsNoDeviceAndMakesNone) {
  const auto mapper = activate::absent_mapper();

  EXPECT_FALSE(mapper->find_uuid("LVM-a"));
  EXPECT_TRUE(mapper->list().empty());
  EXPECT_THROW(mapper->run(activate::CreateDevice{"a", "LVM-a"}), Error);
}

}  // namespace cv::test
