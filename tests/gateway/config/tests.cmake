unit_tests(gateway/config
  config_text_test.cpp
  credentials_test.cpp
  examples_test.cpp
  load_config_test.cpp
  load_watched_test.cpp
  text_file_test.cpp
  yaml_tree_test.cpp)
target_link_libraries(config_test PRIVATE test_support)
