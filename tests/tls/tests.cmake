unit_tests(tls key_schedule_test.cpp memory_test.cpp message_reader_test.cpp ready_set_test.cpp record_protection_test.cpp resolver_test.cpp stream_test.cpp)
target_link_libraries(tls_test PRIVATE test_support)
