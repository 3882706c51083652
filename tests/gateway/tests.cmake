unit_tests(gateway
  address_slots_test.cpp
  admin_test.cpp
  log_watch_test.cpp
  metrics_test.cpp
  operator_log_test.cpp
  plain_path_test.cpp
  relay_test.cpp
  request_body_test.cpp
  resp_test.cpp
  respond_test.cpp
  shared_count_test.cpp
  shared_limits_test.cpp
  steps_test.cpp
  upstream_watch_test.cpp)
target_link_libraries(gateway_test PRIVATE test_support)
