CREATE TABLE IF NOT EXISTS spring_sample_orders (id INT PRIMARY KEY, item VARCHAR(40) NOT NULL);
DELETE FROM spring_sample_orders;
INSERT INTO spring_sample_orders VALUES (17, 'a teapot');
