<?php
// SPDX-License-Identifier: Apache-2.0
// What a PHP page uses, by path.
switch (parse_url($_SERVER["REQUEST_URI"], PHP_URL_PATH)) {
case "/":
	echo "Hello from PHP\n";
	break;
case "/work":
	header("Content-Type: application/json");
	preg_match_all('/(\w)(\d+)/', "a1 b22 c333", $m, PREG_SET_ORDER);
	$words = array_count_values(str_word_count("a b a c b a", 1));
	arsort($words);
	echo json_encode([
		"hash" => hash("sha256", "mayfly"),
		"match" => $m,
		"words" => $words,
		"date" => gmdate("Y-m-d", 86400),
		"zone" => date_create("@0")->setTimezone(
			timezone_open("Europe/Berlin"))->format(DATE_ATOM),
		"default" => date("e", 0),
		"zip" => gzuncompress(gzcompress(str_repeat("x", 1000))) ===
			str_repeat("x", 1000),
		"sodium" => strlen(sodium_crypto_secretbox_keygen()),
		"utf8" => iconv("ISO-8859-1", "UTF-8", "\xe4"),
		"memory" => memory_get_usage() > 0,
		"random" => random_bytes(8) !== random_bytes(8),
		"ssl" => openssl_encrypt("text", "aes-128-cbc",
			"0123456789abcdef", 0, "0123456789abcdef"),
	], JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE), "\n";
	break;
case "/files":
	$dir = sys_get_temp_dir() . "/php-test";
	@mkdir($dir);
	for ($i = 0; $i < 100; $i++)
		file_put_contents("$dir/f$i", str_repeat("line\n", $i));
	echo count(scandir($dir)), " ", filesize("$dir/f99"), "\n";
	echo count(file("$dir/f50")), " ", rename("$dir/f0", "$dir/g"), "\n";
	array_map("unlink", glob("$dir/*"));
	echo rmdir($dir) ? "removed" : "left", "\n";
	break;
case "/session":
	session_start();
	$_SESSION["count"] = ($_SESSION["count"] ?? 0) + 1;
	echo "visit ", $_SESSION["count"], "\n";
	break;
case "/upload":
	$f = $_FILES["file"];
	echo $f["name"], " ", $f["size"], " ", md5_file($f["tmp_name"]), " ",
		$_POST["word"], "\n";
	break;
case "/error":
	try {
		intdiv(1, 0);
	} catch (DivisionByZeroError $e) {
		echo get_class($e), ": ", $e->getMessage(), "\n";
	}
	function deep($n) { return $n ? 1 + deep($n - 1) : 0; }
	echo deep(20000), "\n";
	http_response_code(500);
	throw new RuntimeException("nobody catches this");
case "/memory":
	$a = [];
	for ($i = 0; $i < 300000; $i++)
		$a["k$i"] = [$i, "v$i"];
	echo count($a), " ", $a["k777"][1], "\n";
	break;
case "/exec":
	echo @shell_exec("echo started") ?: "not started\n";
	break;
default:
	return false; // the server looks for a file
}
